"""No credential passes `redact`, and nothing else is lost."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zarrchive.location import normalise, redact, redact_text
from zarrchive.location.credentials import forget_credentials, recall, remember
from zarrchive.location.redact import presentable_cause

SECRET = "s3cr3tT0ken"

secret_names = st.sampled_from(
    [
        "X-Amz-Signature",
        "x-amz-security-token",
        "X-Amz-Credential",
        "X-Goog-Signature",
        "X-Goog-Credential",
        "Signature",
        "Expires",
        "AWSAccessKeyId",
        "GoogleAccessId",
        "Key-Pair-Id",
        "Policy",
        "token",
        "access_token",
        "sig",
        "api_key",
        "apikey",
        "password",
        "client_secret",
        "Authorization",
        "jwt",
        "X%2DAmz%2DSignature",
    ]
)
plain = st.sampled_from(["versionId=3sL4", "x=1", "st=2020-01-01", "key=a/b.nc", "precip[0:1]"])
secrets = st.builds(lambda name: f"{name}={SECRET}", secret_names)
schemes = st.sampled_from(["https", "http", "s3", "ftp", "sftp", "gs", "zip://m::https"])


@given(
    schemes,
    st.sampled_from(["", f"{SECRET}@", f"me:{SECRET}@", f"me:p@{SECRET}@", f"me:a/{SECRET}@"]),
    st.lists(plain | secrets, max_size=5),
)
def test_no_secret_is_left_and_nothing_else_is_lost(scheme, user, parameters) -> None:
    if "/" in user and scheme in {"s3", "gs"}:
        return
    query = f"?{'&'.join(parameters)}" if parameters else ""
    url = f"{scheme}://{user}host.org/dir/file.nc{query}"
    public = redact(url)
    assert SECRET not in public
    assert public.startswith(f"{scheme}://host.org/dir/file.nc")
    if not any(one.startswith("sig=") for one in parameters):
        kept = [one for one in parameters if SECRET not in one]
        assert public.partition("?")[2] == "&".join(kept)


@given(st.text() | st.from_regex(r"(zip://m::)?https?://[a-z:@/?&=;#.]{0,30}", fullmatch=True))
@example("a0://@::?@")
def test_redact_is_idempotent(url) -> None:
    assert redact(redact(url)) == redact(url)


@given(st.text(min_size=1).map(lambda text: "/" + text.replace("\0", "")))
def test_local_paths_are_never_changed(path) -> None:
    assert redact(path) == path


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("abfs://container@account.dfs.core.windows.net/a", None),
        ("memory://a@b/c?token=x", None),
        ("zip://a@b.nc::/x@y/z.zip", None),
        ("http://[::1]:80/a@b", None),
        ("https://h:8080/a@b", None),
        ("https://h/a?versionId=QUpfdndhfd8438MNFDN93jdnJFkdmqnh893", None),
        ("https://h/a?", None),
        ("s3://arn:aws:s3:eu-west-1:123:accesspoint/ap/a@b", None),
        ("http://me:pw@[::1]:80/a", "http://[::1]:80/a"),
        ("http://[::1]/a?sig=x", "http://[::1]/a"),
        ("https://h/a?sv=2020&st=1&se=2&sr=b&sp=r&sig=abc&x=1", "https://h/a?x=1"),
        ("https://h/a?key=AIzaSyA-0123456789", "https://h/a"),
        ("https://h/a?u=http%3A%2F%2Fme%3Apw%40g%2F", "https://h/a"),
        ("https://h/a#access_token=x", "https://h/a"),
        ("https://h/a?x=eyJhbGciOiJIUzI1NiJ9.e30.abc", "https://h/a"),
        ("s3://AKIAX:secret@bucket/key", "s3://bucket/key"),
        ("simplecache::https://me:pw@h/a", "simplecache::https://h/a"),
        ("abfs://me:pw@account/a", "abfs://account/a"),
    ],
)
def test_examples(url, expected) -> None:
    assert redact(url) == (url if expected is None else expected)


def test_texts_of_other_libraries() -> None:
    text = f"403, message='', url='https://me:{SECRET}@h/a?Signature={SECRET}&x=1' (twice)"
    assert redact_text(text) == "403, message='', url='https://h/a?x=1' (twice)"


def test_a_cause_with_a_secret_is_not_chained() -> None:
    inner = ValueError(f"https://h/a?sig={SECRET}")
    outer = OSError("cannot read")
    outer.__cause__ = inner
    assert presentable_cause(outer) is None
    assert presentable_cause(inner) is None
    harmless = OSError("https://h/a?x=1")
    assert presentable_cause(harmless) is harmless


@pytest.fixture
def credentials():
    forget_credentials()
    yield
    forget_credentials()


@pytest.mark.usefixtures("credentials")
def test_what_was_opened_with_credentials_can_be_opened_again_without() -> None:
    signed = "https://h/d/a.nc?sig=x"
    assert recall(remember(signed)) == signed
    with_user = "https://me:pw@h/d/b.nc"
    assert remember(with_user) == "https://h/d/b.nc"
    assert recall("https://h/d/c.nc") == "https://me:pw@h/d/c.nc"
    assert recall("https://h/d/e/f.nc") == "https://me:pw@h/d/e/f.nc"


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize(
    "elsewhere",
    ["https://h/d2/a", "https://h/a", "https://g/d/a", "http://h/d/a", "https://h:1/d/a", "/d/a"],
)
def test_credentials_stay_in_their_folder(elsewhere) -> None:
    remember("https://me:pw@h/d/b.nc")
    assert recall(normalise(elsewhere)) == elsewhere
