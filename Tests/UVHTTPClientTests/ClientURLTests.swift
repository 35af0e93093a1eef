import Testing
import URLSafety
import UVHTTPClient

extension HTTPClientSuite {
    /// What is taken from a URL, and which ones are refused.
    struct ClientURLTests {
        @Test(arguments: [
            ("http://a", "a", 80, "/", "a"),
            ("HTTP://Example.COM:8080/A/b?c=/d#e", "example.com", 8080, "/A/b?c=/d", "example.com:8080"),
            ("https://a_b-c.d:443?x", "a_b-c.d", 443, "/?x", "a_b-c.d"),
            ("http://[::1]:81/x", "::1", 81, "/x", "[::1]:81"),
            ("http://127.0.0.1#/y", "127.0.0.1", 80, "/", "127.0.0.1"),
            ("http://localhost.:81/", "localhost", 81, "/", "localhost:81"),
            ("http://a/é?ü", "a", 80, "/%C3%A9?%C3%BC", "a"),
            ("http://127.1/{x}", "127.0.0.1", 80, "/%7Bx%7D", "127.0.0.1"),
            ("http://[0:0::1]", "::1", 80, "/", "[::1]"),
        ])
        func parts(text: String, host: String, port: Int, target: String, authority: String) throws {
            let url = try #require(ClientURL(text))
            #expect(url.host == host)
            #expect(Int(url.port) == port)
            #expect(url.target == target)
            #expect(url.authority == authority)
            #expect((url.address != nil) == (host == "::1" || host == "127.0.0.1"))
        }

        @Test(arguments: [
            "", "ftp://x/", "http://", "http:///x", "http://a:b@c/", "http://a@c/", "http://a:0/", "http://a:70000/",
            "http://a b/", "http://[::1/", "http://[x]/", "http://[::1]x/", "http://a/\r\nx", "//a/b", "http://a/x y",
            "http://a\\b/", "http://ä/", "http://%61/", "http://a:8a/",
        ])
        func refused(text: String) {
            #expect(ClientURL(text) == nil)
        }

        /// What registration accepts can be called, and is what is called.
        @Test(arguments: [
            "http://localhost./", "http://agent.example.com/é", "http://a/\"<>", "HTTP://A:80", "http://0x7f.1:8000/",
            "http://[::ffff:127.0.0.1]:8000/x?y", "http://my_agent:8000/\u{1F600}", "https://a/b%20c#d", "http://-a/",
            "http://a..b/", "http://a:/", "http://a/ b", "http://u@a/", "http://a\u{200B}/", "http://é/",
        ])
        func isReadAsWhereItIsChecked(text: String) throws {
            guard let checked = try? SafeURL.parse(text) else {
                #expect(ClientURL(text) == nil)
                return
            }
            let called = try #require(ClientURL(text))
            #expect(called.description == checked.absoluteString)
        }

        @Test func anotherTarget() throws {
            let url = try #require(ClientURL("http://a:8080/x"))
            #expect(url.with(target: "/y?z").description == "http://a:8080/y?z")
        }
    }
}
