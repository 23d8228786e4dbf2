"""The file of security settings: what it may say, and that its files are found from its folder."""

from pathlib import Path

import pytest

from broker.backends.kafka.security import Security
from broker.runtimes.cluster_security import read_security
from broker.runtimes.layout import InstallationError
from tests.broker.backends.kafka.certificates import Authority


def _file(folder: Path, text: str) -> Path:
    path = folder / "security.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_files_are_found_from_the_folder_of_the_file(tmp_path: Path) -> None:
    # given certificates and a password beside the file that names them
    authority = Authority(tmp_path)
    authority.vouch("router")
    (tmp_path / "password").write_text("correct horse\n", encoding="utf-8")
    path = _file(
        tmp_path,
        'protocol = "SASL_SSL"\nca_file = "authority.pem"\ncert_file = "of-router.pem"\n'
        'mechanism = "SCRAM-SHA-256"\nusername = "router"\npassword_file = "password"\n',
    )

    # when it is read, then the settings are these
    found = read_security(path)
    assert found == Security(
        "SASL_SSL",
        ca_file=tmp_path / "authority.pem",
        cert_file=tmp_path / "of-router.pem",
        mechanism="SCRAM-SHA-256",
        username="router",
        password_file=tmp_path / "password",
    )
    assert found.options()["sasl_plain_password"] == "correct horse"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("protocol = ", "security.toml"),
        ('protocol = "SASL_PLAINTEXT"', "security.toml"),
        ('protocol = "SSL"\npassword = "correct horse"', "security.toml"),
        ('protocol = "SSL"\nca_file = "nowhere.pem"', "security.toml"),
        ('protocol = "SSL"\nca_file = "security.toml"', "security.toml"),
        ('protocol = "SSL"\nusername = "router"', "SASL_SSL, and it alone"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_before_anything_connects(
    tmp_path: Path, text: str, said: str
) -> None:
    # given such a file, when it is read, then the code says so, and no secret is in the message
    with pytest.raises(InstallationError, match=said) as caught:
        read_security(_file(tmp_path, text))
    assert caught.value.code.name == "usage.kafka-security"
    assert "correct horse" not in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InstallationError) as caught:
        read_security(tmp_path / "nothing.toml")
    assert caught.value.code.name == "usage.kafka-security"
