import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.xml.XMLConstants;
import javax.xml.bind.JAXBContext;
import javax.xml.bind.JAXBElement;
import javax.xml.bind.Unmarshaller;
import javax.xml.stream.XMLInputFactory;
import javax.xml.validation.SchemaFactory;
import peer.s071.S071;

/** Receives documents by JAXB, validated: arguments are schema, package, folder, and how many megabytes to warm up with. */
public final class JaxbPeer {
    public static void main(String[] arguments) throws Exception {
        SchemaFactory schemas = SchemaFactory.newInstance(XMLConstants.W3C_XML_SCHEMA_NS_URI);
        Unmarshaller unmarshaller = JAXBContext.newInstance(arguments[1]).createUnmarshaller();
        unmarshaller.setSchema(schemas.newSchema(new File(arguments[0])));
        XMLInputFactory factory = XMLInputFactory.newFactory();
        factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
        factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
        byte[][] documents = read(Path.of(arguments[2]));

        long left = Long.parseLong(arguments[3]) * 1_000_000;
        for (int number = 0; left > 0; number++) {
            byte[] document = documents[number % documents.length];
            receive(unmarshaller, factory, document);
            left -= document.length;
        }
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        System.out.println("ready " + documents.length);
        BufferedReader asked = new BufferedReader(new InputStreamReader(System.in));
        for (String line = asked.readLine(); line != null; line = asked.readLine()) {
            int calls = Integer.parseInt(line);
            long names = 0;
            long start = threads.getCurrentThreadCpuTime();
            for (int number = 0; number < calls; number++) {
                names += receive(unmarshaller, factory, documents[number % documents.length]);
            }
            System.out.println((threads.getCurrentThreadCpuTime() - start) + " " + names);
        }
    }

    /** Length of the family name, so that what was read is looked at. */
    private static int receive(Unmarshaller unmarshaller, XMLInputFactory factory, byte[] data) throws Exception {
        Object read = unmarshaller.unmarshal(factory.createXMLStreamReader(new ByteArrayInputStream(data)));
        return ((S071) ((JAXBElement<?>) read).getValue()).getPerson().getPersonIdentification().getFamilyName().length();
    }

    private static byte[][] read(Path folder) throws Exception {
        try (Stream<Path> entries = Files.list(folder)) {
            List<Path> files = entries.sorted().collect(Collectors.toList());
            byte[][] documents = new byte[files.size()][];
            for (int number = 0; number < documents.length; number++) {
                documents[number] = Files.readAllBytes(files.get(number));
            }
            return documents;
        }
    }
}
