import HTTPCore
import Testing

@testable import HTTPServer

@Suite("The session's cookie")
struct SessionCookieTests {
    @Test(
        "It is found among others, and nothing else is taken for it",
        arguments: [
            ("switchyard_session=abc", "abc"), ("a=b; switchyard_session=abc; c=d", "abc"),
            ("a=b;switchyard_session=abc", "abc"), (" switchyard_session=abc ;", "abc"),
            ("switchyard_session=a=b", "a=b"), ("switchyard_session=", ""),
            ("switchyard_session=first; switchyard_session=second", "first"), ("", nil), (";;", nil),
            ("switchyard_session", nil), ("xswitchyard_session=abc", nil), ("switchyard_sessionx=abc", nil),
            ("Switchyard_Session=abc", nil), ("a=switchyard_session=abc", nil),
        ] as [(String, String?)])
    func found(_ field: String, _ value: String?) {
        let headers: HTTPHeaders = ["Cookie": field]
        let found = headers.withValue(of: "cookie") { value in
            SessionCookie.bytes(in: value).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(found == .some(value))
    }

    @Test("It is out of the reach of scripts and other sites, and over TLS it never goes without")
    func field() {
        #expect(
            SessionCookie.field("v", seconds: 43_200, isSecure: false)
                == "switchyard_session=v; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict")
        #expect(
            SessionCookie.field("", seconds: 0, isSecure: true).hasSuffix(
                "; Max-Age=0; HttpOnly; SameSite=Strict; Secure"))
    }
}
