import HTTPCore
import Testing
import UVLoop

@testable import UVHTTPServer

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
            SessionCookie.bytes(in: value, isSecure: false).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(found == .some(value))
    }

    @Test(
        "Over TLS only the name counts that nobody else can have put there, and anywhere it comes first",
        arguments: [
            ("switchyard_session=a", "a", nil), ("__Host-switchyard_session=b", "b", "b"),
            ("switchyard_session=a; __Host-switchyard_session=b", "b", "b"),
            ("__Host-switchyard_session=b; switchyard_session=a", "b", "b"), ("__host-switchyard_session=b", nil, nil),
        ] as [(String, String?, String?)])
    func names(_ field: String, _ plain: String?, _ secure: String?) {
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        let headers: HTTPHeaders = ["Cookie": field]
        for (isSecure, value) in [(false, plain), (true, secure)] {
            let context = RequestContext(requestID: "")
            context.isSecure = isSecure
            let request = Request(method: .get, target: "/", headers: headers, loop: group.any(), context: context)
            #expect(request.sessionCookie == value)
        }
        var fromPage = headers
        fromPage.add("Origin", "https://console.example")
        #expect(Request(method: .get, target: "/", headers: fromPage, loop: group.any()).sessionCookie == secure)
    }

    @Test("It is out of the reach of scripts and other sites, and over TLS it never goes without")
    func field() {
        #expect(
            SessionCookie.field("v", seconds: 43_200, isSecure: false)
                == "switchyard_session=v; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict")
        #expect(
            SessionCookie.field("", seconds: 0, isSecure: true)
                == "__Host-switchyard_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict; Secure")
    }
}
