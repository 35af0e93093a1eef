import Testing

@testable import Authentication

@Suite("Whose pages may use the console's cookie")
struct OriginRuleTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let origin: String?
        var host: String? = "fleet.example:8080"
        var isSecure = false
        var platform: String?
        let isAllowed: Bool

        var testDescription: String { "\(origin ?? "none") at \(host ?? "no host")" }
    }

    static let cases = [
        Case(origin: "http://fleet.example:8080", isAllowed: true),
        Case(origin: "HTTP://Fleet.Example:8080", isAllowed: true),
        Case(origin: nil, isAllowed: false),
        Case(origin: "null", isAllowed: false),
        Case(origin: "", isAllowed: false),
        Case(origin: "http://", isAllowed: false),
        Case(origin: "http://evil.example", isAllowed: false),
        // Another port, another scheme, a longer and a shorter name are other origins.
        Case(origin: "http://fleet.example", isAllowed: false),
        Case(origin: "http://fleet.example:9090", isAllowed: false),
        Case(origin: "https://fleet.example:8080", isAllowed: false),
        Case(origin: "http://fleet.example:8080.evil.example", isAllowed: false),
        Case(origin: "http://x.fleet.example:8080", isAllowed: false),
        Case(origin: "http://fleet.example:8080@evil.example", isAllowed: false),
        Case(origin: "ftp://fleet.example:8080", isAllowed: false),
        // The port that goes without saying.
        Case(origin: "https://fleet.example", host: "fleet.example", isSecure: true, isAllowed: true),
        Case(origin: "https://fleet.example", host: "fleet.example:443", isSecure: true, isAllowed: true),
        Case(origin: "http://fleet.example", host: "fleet.example", isSecure: true, isAllowed: false),
        Case(origin: "http://fleet.example", host: "fleet.example:80", isAllowed: true),
        Case(origin: "http://fleet.example:8080", host: nil, isAllowed: false),
        Case(origin: "http://[::1]:8080", host: "[::1]:8080", isAllowed: true),
        // TLS ends before us, at something that does not say so.
        Case(
            origin: "https://fleet.example", host: "10.0.0.1:80", platform: "https://fleet.example/x", isAllowed: true),
        Case(origin: "http://fleet.example", host: "10.0.0.1:80", platform: "https://fleet.example", isAllowed: false),
        Case(origin: "https://other.example", host: "a", platform: "https://fleet.example", isAllowed: false),
    ]

    @Test("An origin is compared as a whole", arguments: cases)
    func rule(_ test: Case) {
        let rule = OriginRule(platformURL: test.platform)
        #expect(rule.allows(test.origin, host: test.host, isSecure: test.isSecure) == test.isAllowed)
    }
}
