import Contracts
import Foundation
import HTTPCore
import Testing
import UVHTTPServer

@testable import Registry

@Suite("Updates of a workspace")
struct WorkspaceUpdateRuleTests {
    private let current = WorkspaceConfiguration(
        name: "old", role: "role", tier: 3, parentID: UUID(), runtime: "langgraph", workspaceDirectory: "/srv/a",
        maxConcurrentTasks: 1)

    @Test("What is not named stays")
    func nothing() throws {
        let request = UpdateWorkspaceRequest()
        try WorkspaceUpdateRule.check(request)
        #expect(WorkspaceUpdateRule.apply(request, to: current) == current)
    }

    @Test("Null clears what can be empty, and an empty folder is none")
    func clearing() throws {
        var request = UpdateWorkspaceRequest(role: .clear, parentID: .clear, workspaceDirectory: .clear)
        try WorkspaceUpdateRule.check(request)
        let cleared = WorkspaceUpdateRule.apply(request, to: current)
        #expect(cleared.role == nil && cleared.parentID == nil && cleared.workspaceDirectory == nil)
        #expect(WorkspaceUpdateRule.changedFields(current, cleared) == ["role", "parent_id", "workspace_dir"])
        request = UpdateWorkspaceRequest(workspaceDirectory: .set(""))
        #expect(WorkspaceUpdateRule.apply(request, to: current).workspaceDirectory == nil)
    }

    @Test("Every field is named when it changes")
    func fields() {
        let request = UpdateWorkspaceRequest(
            name: .set("n"), role: .set("r"), tier: .set(1), parentID: .set(UUID()), runtime: .set("x"),
            workspaceDirectory: .set("/srv/b"), x: .set(1), y: .set(2), collapsed: .set(true),
            maxConcurrentTasks: .set(2))
        let new = WorkspaceUpdateRule.apply(request, to: current)
        #expect(
            WorkspaceUpdateRule.changedFields(current, new) == [
                "name", "role", "tier", "parent_id", "runtime", "workspace_dir", "max_concurrent_tasks", "x", "y",
                "collapsed",
            ])
    }

    @Test(
        "Nothing becomes external or stops being it by its runtime's name; the name of a framework changes",
        arguments: [
            ("langgraph", "external", false), ("langgraph", "external", true), ("external", "langgraph", true),
            ("external", "external", true), ("langgraph", "claude", true), ("langgraph", "claude", false),
        ])
    func external(from old: String, to new: String, isExternal: Bool) {
        var before = current
        before.runtime = old
        let after = WorkspaceUpdateRule.apply(UpdateWorkspaceRequest(runtime: .set(new)), to: before)
        let error = Result { () throws(APIError) in
            try WorkspaceUpdateRule.check(before, becomes: after, isExternal: isExternal)
        }.failure
        let isRefused = old != new && [old, new].contains("external")
        #expect(error?.field == (isRefused ? "runtime" : nil) && error?.status == (isRefused ? .badRequest : nil))
    }

    @Test(
        "What decides where a workspace stands and what it may do is not its own to change, not even to what it is",
        arguments: [
            ("parent_id", UpdateWorkspaceRequest(name: .set("n"), parentID: .clear)),
            ("parent_id", UpdateWorkspaceRequest(tier: .set(1), parentID: .set(UUID()))),
            ("tier", UpdateWorkspaceRequest(tier: .set(3))), ("tier", UpdateWorkspaceRequest(tier: .clear)),
            ("runtime", UpdateWorkspaceRequest(runtime: .set("langgraph"))),
            ("workspace_dir", UpdateWorkspaceRequest(workspaceDirectory: .set("/srv/b"))),
        ])
    func operators(field: String, request: UpdateWorkspaceRequest) {
        let error = #expect(throws: APIError.self) { try WorkspaceUpdateRule.checkOwn(request) }
        #expect(error?.status == .forbidden && error?.message == "operator credentials required")
        #expect(error?.field == field)
    }

    @Test("The rest is")
    func own() throws {
        try WorkspaceUpdateRule.checkOwn(
            UpdateWorkspaceRequest(
                name: .set("n"), role: .clear, x: .set(1), y: .set(2), collapsed: .set(true),
                maxConcurrentTasks: .set(2)))
    }

    @Test(
        "What cannot be is refused by name",
        arguments: [
            ("name", UpdateWorkspaceRequest(name: .clear)), ("name", UpdateWorkspaceRequest(name: .set(" "))),
            ("name", UpdateWorkspaceRequest(name: .set(String(repeating: "x", count: 256)))),
            ("role", UpdateWorkspaceRequest(role: .set("a\u{0}b"))), ("tier", UpdateWorkspaceRequest(tier: .clear)),
            ("runtime", UpdateWorkspaceRequest(runtime: .set(""))),
            ("workspace_dir", UpdateWorkspaceRequest(workspaceDirectory: .set("/srv/../etc"))),
            ("collapsed", UpdateWorkspaceRequest(collapsed: .clear)), ("x", UpdateWorkspaceRequest(x: .clear)),
            ("max_concurrent_tasks", UpdateWorkspaceRequest(maxConcurrentTasks: .set(0))),
        ])
    func refused(field: String, request: UpdateWorkspaceRequest) {
        let error = #expect(throws: APIError.self) { try WorkspaceUpdateRule.check(request) }
        #expect(error?.status == .badRequest && error?.field == field)
    }
}

extension Result {
    fileprivate var failure: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
}
