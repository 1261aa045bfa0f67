#!/usr/bin/env bash
# Put a working `nextflow` into a virtual environment.
#   nextflow.sh VENV CACHE
# Uses the nextflow on PATH if it is 25.04 or newer, else the engine that pom.xml pins, resolved
# with Maven into VENV/lib/nextflow. Writes nowhere else but below CACHE.
set -euo pipefail

venv=$(realpath "$1")
cache=$2
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
oldest=25.04

stop() {
    echo "error: $1" >&2
    exit 1
}

# PATH without the virtual environment, whose own launcher is what we are about to write.
outer_path=$(tr ':' '\n' <<<"$PATH" | grep -vxF "$venv/bin" | paste -sd: -)

java_version() {
    "$1" -version 2>&1 | sed -nE 's/.* version "([0-9]+).*/\1/p' | head -n 1
}

write_launcher() {
    cat >"$venv/bin/.nextflow.partial"
    chmod +x "$venv/bin/.nextflow.partial"
    mv -f "$venv/bin/.nextflow.partial" "$venv/bin/nextflow"
}

java=${JAVA_HOME:+$JAVA_HOME/bin/}java
command -v "$java" >/dev/null ||
    stop "Java was not found: install Java 17 or newer (e.g. openjdk-17-jre-headless)"
version=$(java_version "$java")
[ "${version:-0}" -ge 17 ] ||
    stop "Java ${version:-of unknown version} is too old: install Java 17 or newer, or set JAVA_HOME to it"

if installed=$(PATH=$outer_path command -v nextflow); then
    installed=$(realpath "$installed")
    version=$(PATH=$outer_path "$installed" -version 2>/dev/null |
        sed -nE 's/.*version ([0-9]+\.[0-9]+\.[0-9]+).*/\1/p' | head -n 1)
    if [ -n "$version" ] && [ "$(printf '%s\n' "$oldest" "$version" | sort -V | head -n 1)" = "$oldest" ]; then
        write_launcher <<LAUNCHER
#!/usr/bin/env bash
export PATH="\$(cd "\$(dirname "\${BASH_SOURCE[0]}")" && pwd):\$PATH"
exec $(printf '%q' "$installed") "\$@"
LAUNCHER
        exit 0
    fi
fi

command -v mvn >/dev/null ||
    stop "neither nextflow $oldest or newer nor Maven was found: install one of them (e.g. the package maven)"
jars=$venv/lib/nextflow
rm -rf "$jars.partial"
mvn --quiet --batch-mode --file "$root/pom.xml" -Dmaven.repo.local="$cache/maven" \
    dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$jars.partial" ||
    stop "Maven could not fetch the Nextflow engine: see its message above"
rm -rf "$jars"
mv "$jars.partial" "$jars"

write_launcher <<'LAUNCHER'
#!/usr/bin/env bash
# Nextflow from the jars in ../lib/nextflow, with the options of the official launcher.
set -e
bin=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
jars=$bin/../lib/nextflow
export PATH="$bin:$PATH"
export NXF_HOME="${NXF_HOME:-$bin/../share/nextflow}"
export NXF_CLI="$0 $*"
export COLUMNS="${COLUMNS:-$(tput cols 2>/dev/null || echo 80)}"
options=(-Dfile.encoding=UTF-8 -Djava.awt.headless=true -XX:+UseSerialGC -XX:TieredStopAtLevel=1)
for package in java.lang java.io java.nio java.net java.util java.util.concurrent.locks \
    java.util.concurrent.atomic java.util.regex sun.nio.ch sun.nio.fs sun.net.www.protocol.http \
    sun.net.www.protocol.https sun.net.www.protocol.ftp sun.net.www.protocol.file \
    jdk.internal.misc jdk.internal.vm; do
    options+=("--add-opens=java.base/$package=ALL-UNNAMED")
done
# NXF_JVM_ARGS and NXF_OPTS hold several options each, as in the official launcher.
# shellcheck disable=SC2086
exec "${JAVA_HOME:+$JAVA_HOME/bin/}java" "${options[@]}" ${NXF_JVM_ARGS:-} ${NXF_OPTS:-} \
    -cp "$jars/*" nextflow.cli.Launcher "$@"
LAUNCHER
