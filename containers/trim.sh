#!/bin/sh
# Remove from a virtual environment what no task needs: pip, tests, headers, unused parts of Arrow.
#   trim.sh VENV
set -eu
packages=$(echo "$1"/lib/python3.*/site-packages)

"$1/bin/pip" uninstall --quiet --yes pip setuptools
find "$packages" -name __pycache__ -type d -prune -exec rm -rf {} +
find "$packages" -regextype posix-extended -type d \
    -regex '.*/(numpy|pandas|pyarrow|onnx|h5py|networkx|sympy)/(.*/)?tests?' -prune -exec rm -rf {} +
rm -rf "$packages"/pyarrow/include "$packages"/pyarrow/src \
    "$packages"/onnx/backend/test/data "$packages"/onnxruntime/transformers \
    "$packages"/onnxruntime/tools "$packages"/onnxruntime/quantization
# Arrow's Flight is a service that nothing here imports; ONNX Runtime's C library is for programs
# that link to it, and is in its Python module once more.
rm -f "$packages"/pyarrow/libarrow_flight* "$packages"/pyarrow/libarrow_python_flight* \
    "$packages"/pyarrow/_flight*.so "$packages"/pyarrow/_pyarrow_cpp_tests*.so \
    "$packages"/onnxruntime/capi/libonnxruntime.so*
# A library that the wheel holds under several names is kept once.
for library in "$packages"/pyarrow/*.so.*; do
    for twin in "$packages"/pyarrow/*.so "$packages"/pyarrow/*.so.*; do
        if [ "$library" != "$twin" ] && [ ! -L "$twin" ] && [ ! -L "$library" ] \
            && cmp -s "$library" "$twin"; then
            ln -sf "$(basename "$library")" "$twin"
        fi
    done
done
