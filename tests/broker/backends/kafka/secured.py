"""A cluster that asks everybody who they are, with the permissions of one installation."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from broker.backends.kafka.security import Security
from broker.runtimes.acls import Acl, acls
from tests.broker.backends.kafka.certificates import Authority
from tests.support import kafka, services

PREFIX = "eastshire."
WHOLE = "whole."
"""Two installations share the cluster: one is made up by tests, the other is whole."""

AGENCIES = (
    "eastshire-council",
    "eastshire-hospitals",
    "eastshire-police",
    "fairfield-primary",
    "harbour-academy",
    "harbour-practice",
    "millbrook-surgery",
    "st-brannocks-school",
)
WAIT_S = 30

SECURED = """\
listeners=TLS://127.0.0.1:{port},LOGIN://127.0.0.1:%(login)d,CONTROLLER://127.0.0.1:{control}
advertised.listeners=TLS://127.0.0.1:{port},LOGIN://127.0.0.1:%(login)d
listener.security.protocol.map=CONTROLLER:PLAINTEXT,TLS:SSL,LOGIN:SASL_SSL
inter.broker.listener.name=TLS
ssl.keystore.type=PEM
ssl.keystore.location=%(server)s
ssl.truststore.type=PEM
ssl.truststore.location=%(authority)s
listener.name.tls.ssl.client.auth=required
ssl.principal.mapping.rules=RULE:^CN=(.*)$/$1/,DEFAULT
sasl.enabled.mechanisms=PLAIN
listener.name.login.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required \
user_agency.eastshire-police="correct horse";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin;User:ANONYMOUS
"""
"""Overrides the settings of a broker that asks nobody. The controller's own port is ANONYMOUS."""


@dataclass(frozen=True, slots=True)
class County:
    """A cluster with the permissions of one installation.

    Attributes:
        address: where it asks for certificates.
        login: where it asks for a password.
        authority: makes certificates that it believes.
    """

    address: str
    login: str
    authority: Authority

    def of(self, principal: str) -> Security:
        """Return the security of a party with a certificate."""
        return Security(
            "SSL", ca_file=self.authority.file, cert_file=self.authority.vouch(principal)
        )

    def confluent(self, principal: str) -> dict[str, str | int | float | bool]:
        """Return the same for a client of another make."""
        own = str(self.authority.vouch(principal))
        return {
            "bootstrap.servers": self.address,
            "security.protocol": "SSL",
            "ssl.ca.location": str(self.authority.file),
            "ssl.certificate.location": own,
            "ssl.key.location": own,
        }


def _binding(one: Acl) -> AclBinding:
    resource = {
        "topic": ResourceType.TOPIC,
        "group": ResourceType.GROUP,
        "transactional-id": ResourceType.TRANSACTIONAL_ID,
    }[one.resource]
    pattern = ResourcePatternType.PREFIXED if one.prefixed else ResourcePatternType.LITERAL
    operation = AclOperation[one.operation.upper()]
    return AclBinding(
        resource,
        one.name,
        pattern,
        f"User:{one.principal}",
        "*",
        operation,
        AclPermissionType.ALLOW,
    )


@pytest.fixture(scope="package")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    """A cluster that permits what `acls` says, and nothing else."""
    libs = kafka.jars()
    if isinstance(libs, services.Missing):
        services.do_without(libs)
    folder = tmp_path_factory.mktemp("secured")
    authority = Authority(folder)
    login = kafka.free_port()
    own = {"login": login, "server": authority.vouch("admin"), "authority": authority.file}
    with kafka.broker(libs, folder, kafka.SETTINGS + SECURED % own) as running:
        made = County(running.address, f"127.0.0.1:{login}", authority)
        admin = AdminClient(made.confluent("admin"))
        wanted = [_binding(one) for prefix in (PREFIX, WHOLE) for one in acls(AGENCIES, prefix)]
        for done in admin.create_acls(wanted).values():
            done.result(WAIT_S)
        yield made
