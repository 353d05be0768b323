import os

import pytest

from lumihub.errors import InputError
from lumihub.settings.document import format_position, load_document, parse_document


def fault_text(text):
    with pytest.raises(InputError) as caught:
        parse_document(text, "values.yaml")
    return str(caught.value)


def test_each_key_and_each_item_of_a_list_has_its_line():
    document = parse_document("a:\n  b: 1\n  c:\n    - x\n    - y: 2\nd: {e: 3,\n  f: 4}\n", "values.yaml")
    assert document.data == {"a": {"b": 1, "c": ["x", {"y": 2}]}, "d": {"e": 3, "f": 4}}
    assert document.lines == {
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "c"): 3,
        ("a", "c", 0): 4,
        ("a", "c", 1): 5,
        ("a", "c", 1, "y"): 5,
        ("d",): 6,
        ("d", "e"): 6,
        ("d", "f"): 7,
    }


def test_a_key_that_is_not_there_is_located_by_the_one_above_it():
    document = parse_document("a:\n  b: 1\n", "values.yaml")
    assert document.locate(("a", "zzz", 0)) == "values.yaml, line 1"
    assert document.locate(("q",)) == "values.yaml"


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "null\n"])
def test_an_empty_file_is_an_empty_mapping(text):
    assert parse_document(text, "values.yaml").data == {}


def test_values_are_those_of_json_so_that_a_date_stays_text():
    data = parse_document("a: 2020-01-01\nb: 1.5\nc: yes\nd: ~\ne: '7'\n8: x\n", "values.yaml").data
    assert data == {"a": "2020-01-01", "b": 1.5, "c": True, "d": None, "e": "7", "8": "x"}


def test_a_key_that_is_written_twice_is_a_fault_at_every_depth():
    document = parse_document("a:\n  b: 1\n  b: 2\na: 3\n", "values.yaml")
    assert [str(fault) for fault in document.faults] == [
        "error: a.b is written twice\n  in values.yaml, line 3\n  fix: keep one of the two; the first is in line 2",
        "error: a is written twice\n  in values.yaml, line 4\n  fix: keep one of the two; the first is in line 1",
    ]


def test_anchors_and_merges_read_as_in_yaml():
    document = parse_document("a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3\ne: *x\n", "values.yaml")
    assert document.data == {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}, "e": {"b": 1, "c": 2}}
    assert document.faults == ()


def test_a_tag_is_a_fault_and_runs_nothing():
    document = parse_document("a: !!python/object/apply:os.system ['true']\nb: !x 1\n", "values.yaml")
    assert document.data == {"a": ["true"], "b": "1"}
    assert [fault.what for fault in document.faults] == [
        "a has the tag !!python/object/apply:os.system, and tags mean nothing",
        "b has the tag !x, and tags mean nothing",
    ]


def test_every_line_that_is_indented_with_a_tab_is_named():
    assert fault_text("proxy:\n\tport: 80\n  # fine\n\taddress: x\n") == (
        "error: the line is indented with a tab, and YAML knows spaces only\n"
        "  in values.yaml, line 2\n"
        "  fix: replace the tab by spaces, two a level\n"
        "\n"
        "error: the line is indented with a tab, and YAML knows spaces only\n"
        "  in values.yaml, line 4\n"
        "  fix: replace the tab by spaces, two a level"
    )


def test_a_tab_within_a_text_of_several_lines_is_the_text():
    assert parse_document("a: |\n  x\n  \ty\n", "values.yaml").data == {"a": "x\n\ty\n"}


@pytest.mark.parametrize(
    ("text", "what", "line", "fix"),
    [
        (
            "proxy:\n  port: 80: 81\n",
            "there is a second ':' in this line, or the line above lacks its ':' or is indented otherwise",
            2,
            "indent keys of one section alike, and put a value that contains ': ' in quotes",
        ),
        ("proxy:\n  port:8000\n  address: x\n", "no space after the colon", 2, "write port: 8000"),
        (
            "proxy:\n  port: 1\n  address\n  https: {}\n",
            "a word that is no key: a colon is missing",
            3,
            "write KEY: VALUE, with a space after the colon",
        ),
        (
            "proxy:\n    port: 1\n  address: x\n",
            "this line's indentation matches no line above",
            3,
            "indent keys of one section alike, by two spaces a level",
        ),
        (
            "a: [1, 2\nb: 3\n",
            "a list or group in brackets is not closed",
            2,
            "close it with ] or }, and separate its items by commas",
        ),
        ("a: 1\nb: 'x\nc: 1\n", "a quote is opened and never closed", 2, "close the quote"),
        ("a: *x\n", "a value that begins with * is a reference in YAML", 1, "put the value in quotes"),
        ("a: @x\n", "a value can't begin with this character", 1, "put the value in quotes"),
        ("a: 1\n---\nb: 1\n", "a second document begins here", 2, "remove the line with ---"),
        ('a: "C:\\data"\n', "a backslash in double quotes", 1, "use single quotes around this value"),
        ("a: &x [*x]\n", "a value that contains itself", 1, "correct this line"),
        ("a: 1\n<<: 3\n", "<< merges groups of keys alone", 2, "correct this line"),
    ],
)
def test_what_is_not_yaml_is_explained(text, what, line, fix):
    expected = f"error: the file is not valid YAML: {what}\n  in values.yaml, line {line}\n  fix: {fix}"
    assert fault_text(text) == expected


def test_a_control_character_is_no_text():
    assert fault_text("a: 1\nb: \x07\n") == (
        "error: the file holds a control character\n  in values.yaml, line 2\n  fix: remove it, or type the line anew"
    )


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "error: {path} does not exist\n  fix: check its name, or make one: ./deploy.py init"),
        (
            "a: 1\nb: Genève\n".encode("latin-1"),
            "error: the file is not UTF-8 text\n  in {path}, line 2\n  fix: save it again with the encoding UTF-8",
        ),
    ],
)
def test_a_file_that_is_no_text_file_is_said_so(tmp_path, content, text):
    path = tmp_path / "values.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_document(path)
    assert str(caught.value) == text.format(path=path)


def test_a_folder_is_not_read(tmp_path):
    with pytest.raises(InputError) as caught:
        load_document(tmp_path)
    assert (
        str(caught.value) == f"error: {tmp_path} is a folder\n  fix: name the values file in it, as in -f values.yaml"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_of_somebody_else_is_named(tmp_path):
    path = tmp_path / "values.yaml"
    path.write_text("a: 1")
    path.chmod(0)
    with pytest.raises(InputError, match="can't be read: Permission denied"):
        load_document(path)


def test_a_loop_of_links_is_named(tmp_path):
    path = tmp_path / "values.yaml"
    path.symlink_to(path)
    with pytest.raises(InputError, match="can't be read: Too many levels of symbolic links"):
        load_document(path)


def test_the_byte_order_mark_of_windows_editors_is_no_key(tmp_path):
    path = tmp_path / "values.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert load_document(path).data == {"a": 1, "b": 2}


def test_positions_read_as_people_write_them():
    assert format_position(("auth", "admins", 0)) == "auth.admins[0]"
