# Stands in for python:3.13-slim: Debian's Python of the same series.
ARG BASE
FROM ${BASE}
RUN apt-get update -qq \
    && apt-get install -qq -y --no-install-recommends ca-certificates python3 python3-venv >/dev/null \
    && rm -rf /var/lib/apt/lists/*
