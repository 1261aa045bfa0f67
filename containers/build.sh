#!/usr/bin/env bash
# Build the container images with podman or docker, whichever is found first.
#   build.sh [IMAGE …]        images: scoring-cpu scoring-cuda training report; all if none is named
# Environment:
#   CONTAINER_ENGINE   podman or docker
#   REGISTRY           name in front of the images [localhost]
#   BASE               base image [the one in containers/Dockerfile]
#   BUILD_OPTIONS      further options of `podman build` or `docker build`
#   BILLS              folder for the bills of materials [results/sbom]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

declare -A requirements=(
    [scoring-cpu]='scoring.txt'
    [scoring-cuda]='scoring-cuda.txt'
    [training]='runtime.txt training.txt'
    [report]='runtime.txt'
)
images=("$@")
[ ${#images[@]} -gt 0 ] || images=(scoring-cpu scoring-cuda training report)

engine=${CONTAINER_ENGINE:-}
for candidate in podman docker; do
    if [ -z "$engine" ] && command -v "$candidate" >/dev/null; then engine=$candidate; fi
done
if [ -z "$engine" ]; then
    echo "error: neither podman nor docker was found: install one of them to build the images" >&2
    exit 1
fi

version=$(sed -nE "s/^ *version *= *'(.+)'/\1/p" nextflow.config)
# without the name or token that an address may begin with
source=$(git config --get remote.origin.url 2>/dev/null | sed -E 's#//[^/]*@#//#' || true)
bills=${BILLS:-results/sbom}
mkdir -p "$bills"
for image in "${images[@]}"; do
    if [ -z "${requirements[$image]:-}" ]; then
        echo "error: no image is named '$image': choose from ${!requirements[*]}" >&2
        exit 1
    fi
    tag=${REGISTRY:-localhost}/spliceflow/$image:$version
    # BUILD_OPTIONS holds several options
    # shellcheck disable=SC2086
    "$engine" build ${BASE:+--build-arg BASE="$BASE"} \
        --build-arg IMAGE="$image" --build-arg VERSION="$version" --build-arg SOURCE="$source" \
        --build-arg REQUIREMENTS="${requirements[$image]}" ${BUILD_OPTIONS:-} \
        --file containers/Dockerfile --tag "$tag" .
    "$engine" run --rm "$tag" cat /opt/spliceflow/sbom.cdx.json >"$bills/$image.cdx.json"
    size=$("$engine" image inspect --format '{{.Size}}' "$tag")
    echo "built $tag: $((size / 1000000)) MB, bill of materials in $bills/$image.cdx.json"
done
