import Testing

@testable import URLSafety

/// Every spelling of an address and what it is read as: the canonical form that is called.
@Suite struct SpellingTests {
    @Test(arguments: [
        // Names.
        ("http://agent.example.com", "http://agent.example.com/"),
        ("HTTP://Agent.Example.COM", "http://agent.example.com/"),
        ("https://agent.example.com:443", "https://agent.example.com/"),
        ("https://agent.example.com:80/a", "https://agent.example.com:80/a"),
        ("http://agent.example.com:80/a", "http://agent.example.com/a"),
        ("http://agent.example.com.", "http://agent.example.com/"),
        ("http://localhost:8000", "http://localhost:8000/"),
        ("http://LOCALHOST.:8000", "http://localhost:8000/"),
        ("http://ws-0123456789ab:8000", "http://ws-0123456789ab:8000/"),
        ("http://my_agent:8000", "http://my_agent:8000/"),
        ("http://xn--bcher-kva.example", "http://xn--bcher-kva.example/"),
        ("http://1.example", "http://1.example/"),
        ("http://0x.example", "http://0x.example/"),
        ("http://1a", "http://1a/"),
        // Targets.
        ("http://a?x=1", "http://a/?x=1"),
        ("http://a#fragment", "http://a/"),
        ("http://a/b#fragment", "http://a/b"),
        ("http://a/b#\u{301}c", "http://a/b"),
        ("http://a#@b", "http://a/"),
        ("http://a/@b", "http://a/@b"),
        ("http://a?@b", "http://a/?@b"),
        ("http://a/b:c", "http://a/b:c"),
        ("http://a/ü", "http://a/%C3%BC"),
        ("http://a/\"<>", "http://a/%22%3C%3E"),
        ("http://a/%2e%2e", "http://a/%2e%2e"),
        // IPv4, as inet_aton and browsers read it.
        ("http://127.0.0.1", "http://127.0.0.1/"),
        ("http://127.0.0.1.", "http://127.0.0.1/"),
        ("http://127.1", "http://127.0.0.1/"),
        ("http://127.0.1", "http://127.0.0.1/"),
        ("http://2130706433", "http://127.0.0.1/"),
        ("http://017700000001", "http://127.0.0.1/"),
        ("http://0x7f000001", "http://127.0.0.1/"),
        ("http://0X7F.0.0.1", "http://127.0.0.1/"),
        ("http://0x7f.1", "http://127.0.0.1/"),
        ("http://0177.0.0.1", "http://127.0.0.1/"),
        ("http://0177.0.0.0x1", "http://127.0.0.1/"),
        ("http://0", "http://0.0.0.0/"),
        ("http://0x0", "http://0.0.0.0/"),
        ("http://00000000000", "http://0.0.0.0/"),
        ("http://4294967295", "http://255.255.255.255/"),
        ("http://169.254.43518", "http://169.254.169.254/"),
        ("http://2852039166", "http://169.254.169.254/"),
        ("http://0xa9fea9fe", "http://169.254.169.254/"),
        ("http://0251.0376.0251.0376", "http://169.254.169.254/"),
        ("http://0xa9.0xfe.0xa9.0xfe:80", "http://169.254.169.254/"),
        ("http://010.8.8.8", "http://8.8.8.8/"),
        ("http://10.1", "http://10.0.0.1/"),
        // IPv6.
        ("http://[::1]", "http://[::1]/"),
        ("http://[::1]:8000", "http://[::1]:8000/"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[::1]/"),
        ("http://[0000:0000:0000:0000:0000:0000:0000:0001]", "http://[::1]/"),
        ("http://[::]", "http://[::]/"),
        ("http://[1::]", "http://[1::]/"),
        ("http://[FE80::1]", "http://[fe80::1]/"),
        ("http://[::127.0.0.1]", "http://[::7f00:1]/"),
        ("http://[::ffff:127.0.0.1]", "http://[::ffff:7f00:1]/"),
        ("http://[::FFFF:7F00:1]", "http://[::ffff:7f00:1]/"),
        ("http://[64:ff9b::169.254.169.254]", "http://[64:ff9b::a9fe:a9fe]/"),
        ("http://[2001:db8:0:0:1:0:0:1]", "http://[2001:db8::1:0:0:1]/"),
        ("http://[2606:4700:4700:0:0:0:0:1111]", "http://[2606:4700:4700::1111]/"),
        ("http://[1:2:3:4:5:6:7::]", "http://[1:2:3:4:5:6:7:0]/"),
    ])
    func isReadAs(_ spelling: String, _ canonical: String) throws {
        #expect(try SafeURL.parse(spelling).absoluteString == canonical)
    }

    @Test(arguments: [
        ("", SafeURLError.empty),
        ("http://" + String(repeating: "a", count: 2048), .tooLong),
        // Characters that some parsers drop and others do not.
        (" http://a", .forbiddenCharacter),
        ("http://a ", .forbiddenCharacter),
        ("http://a b", .forbiddenCharacter),
        ("http://a\tb", .forbiddenCharacter),
        ("ht\ntp://a", .forbiddenCharacter),
        ("http://a\r\nHost: b", .forbiddenCharacter),
        ("http://a/\u{0}", .forbiddenCharacter),
        ("http://a\u{7F}", .forbiddenCharacter),
        ("http://a\u{A0}b", .forbiddenCharacter),
        ("http://a\u{200B}b", .forbiddenCharacter),
        ("http://a\u{AD}b", .forbiddenCharacter),
        ("http://a\u{202E}b", .forbiddenCharacter),
        ("http:\\\\a", .forbiddenCharacter),
        ("http://a\\@b", .forbiddenCharacter),
        // Schemes.
        ("a", .unsupportedScheme),
        ("//a", .unsupportedScheme),
        ("http:a", .unsupportedScheme),
        ("http:/a", .unsupportedScheme),
        ("ftp://a", .unsupportedScheme),
        ("file:///etc/passwd", .unsupportedScheme),
        ("gopher://a", .unsupportedScheme),
        ("javascript:alert(1)", .unsupportedScheme),
        ("unix:///run/docker.sock", .unsupportedScheme),
        ("httpx://a", .unsupportedScheme),
        ("http+unix://a", .unsupportedScheme),
        ("://a", .unsupportedScheme),
        // User info.
        ("http://user@a", .userInfo),
        ("http://user:pass@a", .userInfo),
        ("http://@a", .userInfo),
        ("http://a:80@b", .userInfo),
        ("http://a@b@c", .userInfo),
        // Hosts.
        ("http://", .missingHost),
        ("http:///path", .missingHost),
        ("http://?x", .missingHost),
        ("http://:80", .missingHost),
        ("http://.", .invalidHost),
        ("http://..", .invalidHost),
        ("http://a..b", .invalidHost),
        ("http://.a", .invalidHost),
        ("http://a..", .invalidHost),
        ("http://-a", .invalidHost),
        ("http://a-", .invalidHost),
        ("http://a%2eb", .invalidHost),
        ("http://%31%32%37.0.0.1", .invalidHost),
        ("http://a,b", .invalidHost),
        ("http://a*b", .invalidHost),
        ("http://" + String(repeating: "a", count: 64), .invalidHost),
        ("http://" + Array(repeating: "abcdefgh", count: 29).joined(separator: "."), .invalidHost),
        // Letters that look like others, or become them in lower case.
        ("http://bücher.example", .invalidHost),
        ("http://аpple.com", .invalidHost),
        ("http://\u{212A}.example", .invalidHost),
        ("http://①②⑦.⓪.⓪.①", .invalidHost),
        ("http://127。0。0。1", .invalidHost),
        ("http://１２７.0.0.1", .invalidHost),
        ("http://a\u{338}/", .invalidHost),
        // Numbers that are no address.
        ("http://256.0.0.1", .invalidHost),
        ("http://1.2.3.4.5", .invalidHost),
        ("http://1.2.3.256", .invalidHost),
        ("http://1.2.65536", .invalidHost),
        ("http://1.16777216", .invalidHost),
        ("http://4294967296", .invalidHost),
        ("http://08.0.0.1", .invalidHost),
        ("http://0x", .invalidHost),
        ("http://0xg.0.0.1", .invalidHost),
        ("http://a.1", .invalidHost),
        ("http://a.0x1", .invalidHost),
        ("http://1..2", .invalidHost),
        ("http://99999999999999999999", .invalidHost),
        // Brackets.
        ("http://[", .invalidHost),
        ("http://[]", .invalidHost),
        ("http://[::1", .invalidHost),
        ("http://::1", .missingHost),
        ("http://[::1]a", .invalidHost),
        ("http://[::1%25eth0]", .invalidHost),
        ("http://[fe80::1%eth0]", .invalidHost),
        ("http://[v1.a]", .invalidHost),
        ("http://[127.0.0.1]", .invalidHost),
        ("http://[1:2:3:4:5:6:7]", .invalidHost),
        ("http://[1:2:3:4:5:6:7:8:9]", .invalidHost),
        ("http://[1:2:3:4:5:6:7:8::]", .invalidHost),
        ("http://[1::2::3]", .invalidHost),
        ("http://[:::]", .invalidHost),
        ("http://[:1]", .invalidHost),
        ("http://[1:]", .invalidHost),
        ("http://[12345::]", .invalidHost),
        ("http://[::ffff:127.1]", .invalidHost),
        ("http://[::ffff:0177.0.0.1]", .invalidHost),
        ("http://[::127.0.0.1:1]", .invalidHost),
        ("http://[::+1]", .invalidHost),
        // Ports.
        ("http://a:", .invalidPort),
        ("http://a:0", .invalidPort),
        ("http://a:65536", .invalidPort),
        ("http://a:-1", .invalidPort),
        ("http://a:+80", .invalidPort),
        ("http://a:80a", .invalidPort),
        ("http://a:８０", .invalidPort),
        ("http://a:80:80", .invalidPort),
        ("http://a:0000080", .invalidPort),
    ])
    func isRefused(_ spelling: String, _ error: SafeURLError) {
        #expect(throws: error) { try SafeURL.parse(spelling) }
    }

    @Test func everyRefusalHasAReasonOfItsOwn() {
        #expect(Set(SafeURLError.allCases.map(\.reason)).count == SafeURLError.allCases.count)
    }

    @Test func hostCanBeReplaced() throws {
        let url = try SafeURL.parse("http://127.0.0.1:8000/a?b").replacingHost("host.docker.internal")
        #expect(url.absoluteString == "http://host.docker.internal:8000/a?b")
        #expect(throws: SafeURLError.invalidHost) { try url.replacingHost("a b") }
    }
}
