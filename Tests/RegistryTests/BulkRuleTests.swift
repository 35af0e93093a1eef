import Contracts
import Foundation
import HTTPCore
import JSONBytes
import Lifecycle
import Registry
import Testing
import UVHTTPServer

@Suite("Changing many workspaces") struct BulkRuleTests {
    private let root = UUID()
    private let child = UUID()
    private let other = UUID()

    private func subject(
        _ id: UUID, _ status: WorkspaceStatus = .online, parent: UUID? = nil, depth: Int = 0, children: [UUID] = [],
        isParentPaused: Bool = false, isExternal: Bool = false, activeTasks: Int = 0
    ) -> BulkSubject {
        BulkSubject(
            id: id, name: "w", parent: parent, depth: depth,
            subject: LifecycleRule.Subject(
                status: status, isExternal: isExternal, isParentPaused: isParentPaused, activeTasks: activeTasks),
            children: children)
    }

    private func forecast(
        _ action: BulkAction, _ subjects: [BulkSubject], isConfirmed: Bool = false
    ) -> [BulkResult.Outcome] {
        BulkRule.forecast(
            action, subjects, hasProvisioner: true, isConfirmed: isConfirmed
        ).map(\.outcome)
    }

    @Test("Workspaces in the target state are skipped; what a rule refuses fails, with its message")
    func outcomes() {
        #expect(forecast(.pause, [subject(root), subject(other, .paused)]) == [.wouldChange, .skipped])
        #expect(forecast(.resume, [subject(root, .paused), subject(other)]) == [.wouldChange, .skipped])
        #expect(forecast(.hibernate, [subject(root, activeTasks: 1), subject(other, .offline)]) == [.failed, .failed])
        #expect(forecast(.restart, [subject(root, isExternal: true), subject(other)]) == [.failed, .wouldChange])
        #expect(forecast(.delete, [subject(root, .removed)]) == [.failed])
    }

    @Test("A paused child goes on with its parent, and not before it")
    func resuming() {
        let below = subject(child, .paused, parent: root, depth: 1, isParentPaused: true)
        #expect(forecast(.resume, [below]) == [.failed])
        #expect(forecast(.resume, [subject(root, .paused), below]) == [.wouldChange, .wouldChange])
    }

    @Test("A parent is deleted after all of its children, or with them on confirmation")
    func deleting() {
        let above = subject(root, children: [child, other])
        let (first, second) = (
            subject(child, parent: root, depth: 1), subject(other, parent: root, depth: 1)
        )
        #expect(forecast(.delete, [first, second, above]) == [.wouldChange, .wouldChange, .wouldChange])
        #expect(forecast(.delete, [first, above]) == [.wouldChange, .failed])
        #expect(forecast(.delete, [first, above], isConfirmed: true) == [.wouldChange, .wouldChange])
        #expect(BulkRule.message(.needsConfirmation([])).hasPrefix("confirmation required"))
    }

    @Test(
        "A filter that means everything, or has a member that is not known, is refused",
        arguments: [
            ("{}", "filter"), (#"{"status":[]}"#, "status"), (#"{"status":["gone"]}"#, "status"), (#"{"q":""}"#, "q"),
            (#"{"parent_id":"x"}"#, "parent_id"), (#"{"statuses":["online"]}"#, "filter.statuses"),
            (#"{"runtime":null}"#, "filter.runtime"), (#"{"q":5}"#, "q"), (#"{"q":" "}"#, "q"),
            (#"{"status":["online"],"parent_id":null}"#, "filter.parent_id"),
        ])
    func filters(_ json: String, _ field: String) throws {
        let object = try JSONObject(validating: Array(json.utf8))
        let error = #expect(throws: APIError.self) { try FleetFilter(changing: object) }
        #expect(error?.field == field)
    }
}
