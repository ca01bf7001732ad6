# evalkit without a screen, on the CPU:
#   docker build --tag evalkit .
#   docker run --rm --volume "$PWD:/work" --volume /data/tracking:/data:ro evalkit run --tracker mosse
# For GPUs: --build-arg TORCH=https://download.pytorch.org/whl/cu130, and `docker run --gpus all`.

FROM python:3.12-slim-bookworm AS build
WORKDIR /source
COPY . .
RUN pip install --no-cache-dir build==1.6.1 \
 && python -m build --wheel --outdir /wheel

FROM python:3.12-slim-bookworm
ARG TORCH=https://download.pytorch.org/whl/cpu
COPY --from=build /wheel /wheel
# evalkit asks for opencv-python, whose windows need libraries of a desktop. The headless build is the same module without them, but pip does
# not let one distribution stand for the other; so it takes the place afterwards, in the same layer.
RUN pip install --no-cache-dir --index-url "$TORCH" torch==2.13.0 \
 && pip install --no-cache-dir /wheel/*.whl \
 && pip uninstall --yes opencv-python \
 && pip install --no-cache-dir opencv-python-headless==5.0.0.93 \
 && useradd --create-home --uid 1000 evalkit \
 && mkdir --parents /data /work /cache \
 && chown evalkit /work /cache
ENV EVALKIT_DATA=/data EVALKIT_CACHE=/cache
USER 1000
WORKDIR /work
ENTRYPOINT ["evalkit"]
CMD ["--help"]
