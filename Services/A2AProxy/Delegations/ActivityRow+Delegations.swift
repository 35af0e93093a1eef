import ActivityFeed
import Contracts
import Foundation
import JSONBytes

/// Delegations in the feed of the delegating workspace.
extension ActivityRow {
    static func delegationRequest(_ new: NewDelegation) -> ActivityRow {
        var row = ActivityRow(
            workspace: new.source, type: .delegation,
            summary: DelegationOutcomeRule.requestSummary(target: new.target.lowercased))
        row.source = new.source
        row.target = new.target
        row.method = "delegate"
        row.status = "pending"
        row.request = json { writer in
            writer.member("task", new.task)
            writer.member("delegation_id", new.id.lowercased)
        }
        return row
    }

    static func delegationResult(_ item: ClaimedItem, _ change: DelegationChange) -> ActivityRow {
        let status = change.status.flatMap(DelegationStatus.init(rawValue:)) ?? .queued
        var row = ActivityRow(
            workspace: item.caller ?? item.workspace, type: .delegation,
            summary: DelegationOutcomeRule.resultSummary(status, preview: change.preview))
        row.source = item.caller
        row.target = item.workspace
        row.method = "delegate_result"
        row.status = status.rawValue
        row.error = change.error
        row.response = json { writer in
            writer.member("delegation_id", item.delegation?.lowercased ?? "")
            writer.member("text", ifPresent: change.response)
        }
        return row
    }

    private static func json(_ members: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.object(members)
        return writer.bytes
    }
}
