"""Certificates for the tests, made by the openssl program when they are needed."""
import os
import subprocess
import tempfile


class Certificates:
    """An authority in a folder of its own, and what it signs."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="gladius-certificates-")
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj", "/CN=authority",
                  "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", "ca.key", "-out", "ca.pem")

    def _run(self, *args):
        subprocess.run(["openssl", *args], cwd=self.dir, check=True, capture_output=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    @property
    def ca(self):
        return self.path("ca.pem")

    def make(self, name, names="DNS:gw.test,DNS:localhost,IP:127.0.0.1", usage="", rsa=False, signed=True):
        """name.pem and name.key; returns their paths."""
        key = ["-newkey", "rsa:2048"] if rsa else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        self._run("req", "-new", *key, "-nodes", "-subj", "/CN=" + name, "-keyout", name + ".key", "-out", name + ".csr")
        with open(self.path(name + ".ext"), "w") as f:
            f.write("basicConstraints=CA:FALSE\n" + (f"subjectAltName={names}\n" if names else "") + (f"extendedKeyUsage={usage}\n" if usage else ""))
        by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"] if signed else ["-signkey", name + ".key"]
        self._run("x509", "-req", "-in", name + ".csr", *by, "-days", "30", "-extfile", name + ".ext", "-out", name + ".pem")
        return self.path(name + ".pem"), self.path(name + ".key")
