import Foundation
import HTTPCore
import JSONBytes
import ServiceHost
import Testing
import UVHTTPServer

/// Checks of single members that several routes share.
@Suite struct FieldCheckTests {
    private func refusal(_ body: () throws -> Void) throws -> [String?] {
        let error = try #require(throws: APIError.self) { try body() }
        #expect(error.status == .badRequest)
        return [error.field, error.reason]
    }

    /// In Unicode scalars, which is what the database counts.
    @Test func textsAreLimitedByTheirScalars() throws {
        for text in [nil, "", "abcd", "éééé", "👩‍👩", "e\u{301}e\u{301}"] as [String?] {
            try APIError.check("name", text, upTo: 4)
        }
        for text in ["abcde", "👩‍👩‍👧", "e\u{301}e\u{301}e"] {
            #expect(
                try refusal { try APIError.check("name", text, upTo: 4) } == ["name", "must have 4 characters at most"])
        }
        try APIError.check("file", bytes: 4, upTo: 4)
        let error = try #require(throws: APIError.self) {
            try APIError.check("file", bytes: 5, upTo: 4, orError: "own words")
        }
        #expect([error.message, error.field, error.reason] == ["own words", "file", "must have 4 bytes at most"])
        guard case .int(4) = error.members.first(where: { $0.name == "limit" })?.value else {
            Issue.record("the limit is not said")
            return
        }
    }

    /// A filter that is not what was meant would change more than was meant.
    @Test func aFilterHasNothingThatIsNotUnderstood() throws {
        func check(_ text: String) throws {
            try ChangeFilter.check(JSONObject(validating: Array(text.utf8)), has: ["status", "before"])
        }
        for text in ["{}", #"{"status":"failed"}"#, #"{"before":"","status":[]}"#] { try check(text) }
        for (text, refused) in [
            (#"{"status":"failed","workspace":"x"}"#, ["filter.workspace", "is not a member of the filter"]),
            (#"{"Status":"failed"}"#, ["filter.Status", "is not a member of the filter"]),
            (#"{"":1}"#, ["filter.", "is not a member of the filter"]),
            (#"{"status":null}"#, ["filter.status", "must not be null"]),
            (#"{"status":"failed","before":null}"#, ["filter.before", "must not be null"]),
        ] as [(String, [String?])] {
            #expect(try refusal { try check(text) } == refused)
        }
    }

    @Test func aFiltersTextIsNeitherBlankNorCut() throws {
        try ChangeFilter.check("text", nil, upTo: 3)
        try ChangeFilter.check("text", "a b", upTo: 3)
        for (text, reason) in [
            ("", "must not be blank"), (" \n\t", "must not be blank"), ("\u{2003}", "must not be blank"),
            ("a\0", "must have no NUL"), ("abcd", "must have 3 characters at most"),
        ] {
            #expect(try refusal { try ChangeFilter.check("text", text, upTo: 3) } == ["text", reason])
        }
    }

    @Test func aFiltersIDIsOneOrAbsent() throws {
        let id = UUID()
        #expect(try ChangeFilter.id("id", nil) == nil)
        #expect(try ChangeFilter.id("id", "\(id)".lowercased()) == id && ChangeFilter.id("id", "\(id)") == id)
        for text in ["", "x", "\(id) ", "{\(id)}", "\(id)".replacing("-", with: "")] {
            #expect(try refusal { _ = try ChangeFilter.id("id", text) } == ["id", "must be a UUID"], "\(text)")
        }
    }
}
