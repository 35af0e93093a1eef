import Testing

@testable import URLSafety

/// Every spelling with its verdict in every mode, for forwarding and at registration.
@Suite struct SpellingVerdictTests {
    /// What is said of one spelling: by each kind of deployment, when a message is forwarded and when an agent registers.
    private struct Row: Sendable {
        let spelling: String
        let expected: Expected
    }

    private enum Expected: Sendable {
        /// Whether it may be called, in the order of ``SpellingVerdictTests/policies``.
        case verdicts([Bool])
        /// A name that has to be looked up first.
        case lookedUp
        case refused
    }

    private static let policies: [(name: String, policy: AddressPolicy)] = [
        ("strict, forwarding", AddressPolicy(mode: DeploymentMode(network: .strict), purpose: .forwarding)),
        ("SaaS, forwarding", AddressPolicy(mode: DeploymentMode(network: .saas), purpose: .forwarding)),
        ("development, forwarding", AddressPolicy(mode: development, purpose: .forwarding)),
        ("strict, registration", AddressPolicy(mode: DeploymentMode(network: .strict), purpose: .registration)),
        ("SaaS, registration", AddressPolicy(mode: DeploymentMode(network: .saas), purpose: .registration)),
        ("development, registration", AddressPolicy(mode: development, purpose: .registration)),
    ]

    private static let development = DeploymentMode(network: .strict, isDevelopment: true)

    private static let rows: [Row] =
        rows(Spellings.publicHosts, .verdicts([true, true, true, true, true, true]))
        + rows(Spellings.loopback, .verdicts([false, false, true, false, false, false]))
        + rows(Spellings.privateHosts, .verdicts([false, true, true, false, true, false]))
        + rows(Spellings.forbidden, .verdicts([false, false, false, false, false, false]))
        + rows(Spellings.localhost, .verdicts([false, false, true, true, true, true]))
        + rows(Spellings.name, .lookedUp) + rows(Spellings.refused, .refused)
        + unusual.map { Row(spelling: $0, expected: .refused) }

    /// What cannot be separated by blanks or is easily taken for something else: full-width and circled digits, other
    /// dots, letters that look like ASCII or become it in lower case, characters that some parsers drop.
    private static let unusual = [
        "http://１２７.0.0.1", "http://127．0．0．1", "http://127。0。0。1", "http://127｡0｡0｡1", "http://①②⑦.⓪.⓪.①",
        "http://𝟙𝟚𝟟.0.0.1", "http://١٢٧.0.0.1", "http://１６９.254.169.254", "http://0ｘ7f000001", "http://127.0.0.1：80",
        "http://ｌｏｃａｌｈｏｓｔ", "http://ⓛocalhost", "http://loca\u{17F}host", "http://\u{212A}ubernetes.example",
        "http://lоcalhost", "http://bücher.example", "http://b\u{FC}cher.example.", "http://xn--bücher.example",
        "http://[：：1]", "http://[::１]", "http：//127.0.0.1", "http:／／127.0.0.1", "http://8.8.8.8＠127.0.0.1",
        "http://8.8.8.8\u{FF03}.127.0.0.1", "http://8.8.8.8\u{2100}.example", "http://a\u{338}/", "http://a/\u{338}@b",
        " http://8.8.8.8", "http://8.8.8.8 ", "http:// 8.8.8.8", "http://8.8.8.8 @127.0.0.1", "http://127.0.0.1\t",
        "ht\ttp://127.0.0.1", "http://127.0\n.0.1", "http://127.0.0.1\r\nHost: a", "http://127.0.0.1\u{0}.example",
        "http://127.0.0.1\u{AD}", "http://127.\u{200B}0.0.1", "http://127.0.0.1\u{2060}", "http://\u{FEFF}127.0.0.1",
        "http://127.0.0.1\u{A0}", "http://127.0.0.1\u{3000}", "http://127.0.0.1\u{2028}", "http://a\u{202E}b.example",
        "http://127.0.0.1\u{7F}", "http://127.0.0.1\u{85}", "\u{FEFF}http://127.0.0.1", "",
    ]

    private static func rows(_ spellings: String, _ expected: Expected) -> [Row] {
        spellings.split(whereSeparator: \.isWhitespace).map { Row(spelling: String($0), expected: expected) }
    }

    @Test func theTableIsLongAndSaysNothingTwice() {
        let spellings = Self.rows.map(\.spelling)
        // By bytes: Swift holds canonically equivalent texts for equal, which are different spellings all the same.
        #expect(Set(spellings.map { Array($0.utf8) }).count == spellings.count)
        #expect(spellings.count >= 500)
    }

    @Test func everySpellingHasItsVerdicts() {
        for row in Self.rows {
            switch row.expected {
            case .refused:
                #expect(throws: SafeURLError.self, "\(row.spelling)") { try SafeURL.parse(row.spelling) }
            case .lookedUp:
                check(row.spelling) { $0 == .resolve($1.hostText) }
            case .verdicts(let allowed):
                var expected = allowed[...]
                check(row.spelling) { verdict, _ in
                    guard case .decided(let decided) = verdict else { return false }
                    return decided.isAllowed == expected.popFirst() && (decided.reason == nil) == decided.isAllowed
                }
            }
        }
    }

    /// Asks every policy about a spelling.
    private func check(_ spelling: String, _ isRight: (AddressPolicy.HostVerdict, SafeURL) -> Bool) {
        let url: SafeURL
        do {
            url = try SafeURL.parse(spelling)
        } catch {
            Issue.record("\(spelling): \(error.reason)")
            return
        }
        for (name, policy) in Self.policies {
            let verdict = policy.verdict(for: url)
            #expect(isRight(verdict, url), "\(spelling), \(name): \(verdict)")
        }
    }

    /// What is checked is what is called: the canonical form is read the same, and names the same place.
    @Test func theCanonicalFormOfEachIsReadTheSame() throws {
        for row in Self.rows {
            guard let url = try? SafeURL.parse(row.spelling) else { continue }
            let again = try SafeURL.parse(url.absoluteString)
            #expect(again == url, "\(row.spelling)")
            #expect(again.absoluteString == url.absoluteString)
        }
    }
}
