# Foreread on a CPU. docs/guide.md, "In a container", says how to build and run it.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
# An index of torch's CPU builds, or a mirror of it.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
# What changes least comes first: torch, the other packages, then ours.
RUN python3 -m venv /opt/foreread && python3 -m venv /opt/build
COPY requirements.torch.txt ./
RUN /opt/foreread/bin/pip install --require-hashes --no-deps --index-url "${TORCH_INDEX}" \
    -r requirements.torch.txt
COPY requirements.txt constraints.txt ./
RUN /opt/foreread/bin/pip install --require-hashes -r requirements.txt \
    && /opt/build/bin/pip install --constraint constraints.txt hatchling
COPY pyproject.toml wheel_hook.py README.md LICENSE NOTICE .gitignore ./
COPY data data
COPY ui ui
COPY indexer indexer
COPY engine engine
COPY foreread foreread
RUN /opt/build/bin/hatchling build -t wheel -d /opt/wheel \
    && /opt/build/bin/python3 -m pip --python /opt/foreread/bin/python3 install --no-deps --no-index \
    --target /opt/package /opt/wheel/*.whl

FROM ${BASE}
# Debian's packages beside, such as "tesseract-ocr tesseract-ocr-deu" for scanned pages.
ARG PACKAGES=""
# hadolint ignore=DL3008,SC2086
RUN if [ -n "${PACKAGES}" ]; then \
    apt-get update && apt-get install -y --no-install-recommends ${PACKAGES} \
    && rm -rf /var/lib/apt/lists/*; fi \
    && useradd --uid 10001 --create-home foreread \
    && install -d -o foreread -g foreread /indexes
COPY --from=build /opt/foreread /opt/foreread
COPY --from=build /opt/package /opt/package
ENV PATH=/opt/package/bin:/opt/foreread/bin:$PATH PYTHONPATH=/opt/package \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 FOREREAD_ADDRESS=0.0.0.0 FOREREAD_PORT=8000
USER 10001
WORKDIR /indexes
VOLUME /indexes
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python3", "-c", \
    "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"FOREREAD_PORT\"]}/health', timeout=4)"]
ENTRYPOINT ["foreread"]
CMD ["serve", "--index", "documents.idx"]
