import Contracts
import HTTPCore
import Testing
import UVHTTPServer

@testable import Registry

/// Limits of texts count Unicode scalars: a character may have any number of them.
@Suite("Lengths of texts")
struct TextLimitTests {
    private static func text(_ count: Int) -> String { "e" + String(repeating: "\u{301}", count: count - 1) }

    @Test("A name of one character may be too long")
    func names() throws {
        try NewWorkspaceRule.check(name: Self.text(255))
        let refusal = #expect(throws: APIError.self) { try NewWorkspaceRule.check(name: Self.text(256)) }
        #expect(refusal?.field == "name" && refusal?.status == .badRequest)
        #expect(refusal?.reason == "must have 255 characters at most")
        guard case .int(255)? = refusal?.members.first(where: { $0.name == "limit" })?.value else {
            Issue.record("the limit is not named")
            return
        }
    }

    @Test(
        "Every text of a workspace has its limit",
        arguments: [
            ("role", 1000), ("model", 100), ("runtime", 100), ("template", 255), ("workspace_dir", 1024),
        ])
    func workspaces(field: String, limit: Int) throws {
        func request(_ count: Int) -> CreateWorkspaceRequest {
            let text = Self.text(count)
            return switch field {
            case "role": CreateWorkspaceRequest(name: "n", role: text)
            case "model": CreateWorkspaceRequest(name: "n", model: text)
            case "runtime": CreateWorkspaceRequest(name: "n", runtime: text)
            case "template": CreateWorkspaceRequest(name: "n", template: text)
            default:
                CreateWorkspaceRequest(name: "n", workspaceDirectory: "/" + String(repeating: "a", count: count - 1))
            }
        }
        let refusal = #expect(throws: APIError.self) {
            try NewWorkspaceRule.workspace(request(limit + 1), hasProvisioner: true, isDevelopment: false)
        }
        #expect(refusal?.field == field)
        #expect(refusal?.members.first?.name == "limit")
        _ = try NewWorkspaceRule.workspace(request(limit), hasProvisioner: true, isDevelopment: false)
    }

    @Test("What a name must not contain is found under the marks that combine with it")
    func marks() {
        #expect(throws: APIError.self) { try NewWorkspaceRule.check(name: "a{\u{301}") }
    }
}
