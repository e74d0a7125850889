"""An institution at work: binds case, directory, schemas, transport and stores; durable, for one or several tenants."""
