# Stands in for apache/kafka: the same jars, the same folders, the same user number. Its start makes
# the configuration with the class of Kafka's that the real image's start makes it with.
ARG BASE
FROM ${BASE}
ARG KAFKA_HOME
ENV KAFKA_HOME=${KAFKA_HOME}
RUN apt-get update -qq \
    && apt-get install -qq -y --no-install-recommends openjdk-21-jre-headless >/dev/null \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 appuser \
    && mkdir -p "$KAFKA_HOME/config" /var/lib/kafka/data /etc/kafka/docker \
    && chown -R appuser:appuser "$KAFKA_HOME" \
    && chown -R appuser:root /var/lib/kafka \
    && printf 'process.roles=broker,controller\n' >/etc/kafka/docker/server.properties
COPY libs ${KAFKA_HOME}/libs
COPY kafka-run /etc/kafka/docker/run
USER appuser
CMD ["/etc/kafka/docker/run"]
