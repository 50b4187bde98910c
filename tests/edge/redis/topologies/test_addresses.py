import pytest

from edge.redis.topologies.addresses import OfCluster, OfSentinels, parse


@pytest.mark.parametrize("url", ["redis://h", "rediss://u:p@h:1/2?ssl_cert_reqs=none", "unix:///a/b?db=1"])
def test_one_server_is_taken_as_it_is(url):
    assert parse(url) == url


@pytest.mark.parametrize(
    ("url", "sentinels", "master", "server"),
    [
        ("redis+sentinel://a,b:1/m", ("redis://a:26379", "redis://b:1"), "m", "redis://h:7/0"),
        ("redis+sentinel://u:p%40@a/m/3", ("redis://a:26379",), "m", "redis://u:p%40@h:7/3"),
        ("redis+sentinel://[::1]:5/m", ("redis://[::1]:5",), "m", "redis://h:7/0"),
        (
            "rediss+sentinel://:p@a/m?sentinel_password=q%2F&ssl_ca_certs=%2Fca.pem",
            ("rediss://:q%2F@a:26379?ssl_ca_certs=%2Fca.pem",),
            "m",
            "rediss://:p@h:7/0?ssl_ca_certs=%2Fca.pem",
        ),
    ],
)
def test_sentinels_and_their_master(url, sentinels, master, server):
    found = parse(url)
    assert isinstance(found, OfSentinels)
    assert (found.sentinels, found.master, found.server.at("h", 7)) == (sentinels, master, server)


@pytest.mark.parametrize(
    ("url", "seeds", "server"),
    [
        ("redis+cluster://a,b:1", ("redis://a:6379", "redis://b:1"), "redis://[fd::1]:7"),
        ("redis+cluster://u:p@a:1/", ("redis://u:p@a:1",), "redis://u:p@[fd::1]:7"),
        ("rediss+cluster://a/0?ssl_cert_reqs=none", ("rediss://a:6379?ssl_cert_reqs=none",), None),
    ],
)
def test_the_seeds_of_a_cluster(url, seeds, server):
    found = parse(url)
    assert isinstance(found, OfCluster)
    assert found.seeds == seeds
    assert server in (None, found.server.at("fd::1", 7))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://h", "must begin with redis://"),
        ("redis+sentinels://h/m", "must begin with redis://"),
        ("redis://h:port", "must have a number for its port"),
        ("redis+sentinel://h", "must name the master"),
        ("redis+sentinel://h/m/x", "must name the master"),
        ("redis+sentinel://h:99999/m", "must list hosts"),
        ("redis+sentinel://h,/m", "must list hosts"),
        ("redis+cluster://h:x", "must list hosts"),
        ("redis+cluster://h/3", "must name no database"),
    ],
)
def test_a_url_that_is_none_says_why_and_not_what(url, said):
    with pytest.raises(ValueError, match=said) as refusal:
        parse(url.replace("//", "//user:secret@"))
    assert "secret" not in str(refusal.value)
