#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""root_image.py docker|oci OUT LAYER.tar...: a container image of these layers, as `docker save`
writes it or as an OCI layout with compressed layers and an index for two machines.
root_image.py hostile OUT: a tar with a name that leads out of it."""
import gzip
import hashlib
import io
import json
import sys
import tarfile

CONFIG = {
    "Env": ["PATH=/usr/local/bin:/bin", "STAGE=of the image"],
    "Entrypoint": ["/bin/entry", "one word"],
    "Cmd": ["cmd"],
    "WorkingDir": "/srv/app",
    "User": "app",
}


def digest(data):
    return hashlib.sha256(data).hexdigest()


def put(tar, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def config(layers):
    return json.dumps({
        "architecture": "amd64",
        "os": "linux",
        "config": CONFIG,
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest(layer) for layer in layers]},
    }).encode()


def docker(tar, layers):
    names = []
    for number, layer in enumerate(layers):
        names.append(f"{number:064x}/layer.tar")
        put(tar, names[-1], layer)
    put(tar, "config.json", config(layers))
    manifest = [{"Config": "config.json", "RepoTags": ["test:1"], "Layers": names}]
    put(tar, "manifest.json", json.dumps(manifest).encode())


def oci(tar, layers):
    def blob(data):
        put(tar, "blobs/sha256/" + digest(data), data)
        return {"digest": "sha256:" + digest(data), "size": len(data)}

    put(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    packed = [blob(gzip.compress(layer, mtime=0)) for layer in layers]
    manifest = {"schemaVersion": 2, "config": blob(config(layers)), "layers": packed}
    other = {"digest": "sha256:" + "0" * 64, "platform": {"architecture": "arm64", "os": "linux"}}
    ours = blob(json.dumps(manifest).encode())
    ours["platform"] = {"architecture": "amd64", "os": "linux"}
    put(tar, "index.json", json.dumps({"schemaVersion": 2, "manifests": [other, ours]}).encode())


def main():
    kind, out, *files = sys.argv[1:]
    with tarfile.open(out, "w") as tar:
        if kind == "hostile":
            put(tar, "ok", b"1")
            put(tar, "../out", b"1")
            return
        layers = []
        for name in files:
            with open(name, "rb") as layer:
                layers.append(layer.read())
        {"docker": docker, "oci": oci}[kind](tar, layers)


main()
