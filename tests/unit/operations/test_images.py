from pathlib import Path

import pytest

from lumihub.errors import InputError
from lumihub.kubernetes import image_delivery
from lumihub.kubernetes.image_builders import Builder
from lumihub.operations.images import check_names, load, push
from lumihub.progress import Silent
from lumihub.settings import Settings


def test_all_where_none_is_named_and_always_in_the_same_order():
    assert check_names([]) == ("hub", "lab", "cache", "proxy", "gateway", "data")
    assert check_names(["proxy", "hub"]) == ("hub", "proxy")


def test_names_that_are_none():
    with pytest.raises(InputError) as caught:
        check_names(["labs", "hub", "nginx"])
    assert str(caught.value) == (
        "error: labs is no image\n  did you mean lab?\n  fix: name some of: hub, lab, cache, proxy, gateway, data\n\n"
        "error: nginx is no image\n  fix: name some of: hub, lab, cache, proxy, gateway, data"
    )


def test_there_is_nothing_to_push_to():
    with pytest.raises(InputError) as caught:
        push(Settings(), ["lab"], Silent(), insecure=False)
    assert str(caught.value) == (
        "error: images.registry is localhost/lumihub, which is no registry to push to\n"
        "  fix: set images.registry to your institution's, or bring the images onto a single node with"
        " ./deploy.py images load"
    )


def test_what_is_not_built_is_not_pushed(tmp_path, monkeypatch):
    program = tmp_path / "podman"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(image_delivery, "find_builder", lambda: Builder("podman", program))
    settings = Settings.model_validate({"images": {"registry": "r.example.org/lh"}})
    with pytest.raises(InputError) as caught:
        push(settings, ["hub", "lab"], Silent(), insecure=False)
    assert str(caught.value) == (
        "error: not built yet, or changed since: hub, lab\n  fix: ./deploy.py images build hub lab"
    )


def test_names_and_archives_exclude_each_other():
    with pytest.raises(InputError) as caught:
        load(Settings(), ["lab"], Silent(), socket=None, archives=[Path("lumihub-lab.tar")])
    assert str(caught.value) == (
        "error: images are named, and archives too\n  fix: leave the names out: archives are loaded whole"
    )
