# Stands in for openpolicyagent/opa:…-static: the same program on nothing, run by the same user.
FROM scratch
COPY opa /opa
ENV PATH=/
USER 1000:1000
ENTRYPOINT ["/opa"]
CMD ["run"]
