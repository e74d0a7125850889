#!/bin/sh
# Install what the tests with foreign products need: PostgreSQL, Java with Maven, Chromium; with --bench also what the
# benchmarks are held against: JAXB. Debian's packages.
set -eu

missing=""
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
command -v javac >/dev/null 2>&1 || missing="$missing default-jdk-headless"
command -v mvn >/dev/null 2>&1 || missing="$missing maven"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
[ "${1:-}" != --bench ] || [ -e /usr/share/java/jaxb-xjc.jar ] || missing="$missing libjaxb-java"
[ -z "$missing" ] && exit 0

if [ "$(id -u)" != 0 ]; then
    echo "these packages are missing:$missing; install them, then run the tests again" >&2
    [ "${CI:-}" = true ] && exit 1
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# A cluster of its own is started by the tests; the packaged one must not start.
mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing >/dev/null
