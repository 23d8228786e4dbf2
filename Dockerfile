# The image of every Concordat process: the wheel and its locked dependencies in one environment.
#
#   docker build --tag concordat:0.1.0 .
#
# Where pip needs settings of its own (an index of the house, its certificate), give them as secrets;
# neither ends up in a layer:
#
#   docker build --secret id=pip.conf,src=pip.conf --secret id=ca.pem,src=ca.pem …
#
# A pip.conf names the certificate as /run/secrets/ca.pem.

ARG PYTHON_IMAGE=python:3.13.14-slim-trixie

# ---------------------------------------------------------------------------------------- build
FROM ${PYTHON_IMAGE} AS build

ENV PIP_CONFIG_FILE=/run/secrets/pip.conf \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore

# Dependencies first: they change less often than the tree. Wheels only, so no compiler is needed.
# pip itself stays outside the environment, which then holds nothing that installs.
WORKDIR /build
COPY requirements/server.txt requirements/build.txt requirements/
RUN --mount=type=secret,id=pip.conf --mount=type=secret,id=ca.pem \
    python3 -m venv tools \
    && tools/bin/pip install --quiet --require-hashes --only-binary=:all: \
        -r requirements/build.txt \
    && python3 -m venv --without-pip /usr/local/concordat \
    && tools/bin/pip --python /usr/local/concordat/bin/python install --quiet \
        --require-hashes --only-binary=:all: -r requirements/server.txt

COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY policies policies
COPY adapters adapters
COPY broker broker
RUN tools/bin/python -m hatchling build -t wheel -d dist \
    && tools/bin/pip --python /usr/local/concordat/bin/python install --quiet \
        --no-index --no-deps dist/*.whl

# What containers mount their volumes on: a new volume takes over the owner of its mount point.
COPY deploy/image/ /usr/local/concordat/deploy/
RUN /usr/local/concordat/bin/python /usr/local/concordat/deploy/mount_points.py /build/county

# ---------------------------------------------------------------------------------------- image
FROM ${PYTHON_IMAGE}

LABEL org.opencontainers.image.title="Concordat" \
      org.opencontainers.image.description="Information-sharing broker of a safeguarding partnership" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"

COPY --from=build /usr/local/concordat /usr/local/concordat
COPY --from=build --chown=10001:10001 /build/county /county

# No user of this number is in the image's list of users, and none is needed. Nothing is written but
# to volumes on /county and to a temporary /tmp.
ENV PATH=/usr/local/concordat/bin:$PATH \
    CONCORDAT_DIR=/county \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /tmp
USER 10001:10001

HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=4 \
    CMD ["python", "/usr/local/concordat/deploy/healthy.py"]
ENTRYPOINT ["concordat"]
CMD ["--help"]
