import Contracts
import EventOutbox
import Foundation
import HTTPCore
import Postgres

/// A queue item that this instance holds the lease of.
package struct ClaimedItem: Sendable {
    package let id: UUID
    package let workspace: UUID
    package let caller: UUID?
    package let method: String
    package let body: [UInt8]
    package let attempts: Int
    package let claimNumber: Int
    package let messageID: String?
    package let delegation: UUID?
    package let schedule: UUID?
    package let isUncertain: Bool
    /// How often it reached the agent before, or may have.
    package let deliveries: Int
    package let traceparent: String?
    package let protocolHeaders: HTTPHeaders?
    package let facts: DeliveryState

    package var phase: DeliveryState.Phase { facts.phase }

    init(_ row: PostgresRow) {
        id = row.uuid(0)
        workspace = row.uuid(1)
        caller = row.optionalUUID(2)
        method = row.string(3)
        body = row.bytes(4)
        attempts = row.int(5)
        claimNumber = row.int(6)
        messageID = row.optionalString(7)
        delegation = row.optionalUUID(8)
        schedule = row.optionalUUID(9)
        isUncertain = row.bool(10)
        traceparent = row.optionalString(11)
        let isFirst = ["pending", "dispatched"].contains(row.optionalString(12))
        protocolHeaders = row.optionalString(14).map(ProtocolHeaders.fields)
        deliveries = row.int(15)
        facts = DeliveryState(
            attempts: attempts, claimNumber: claimNumber,
            phase: isFirst ? .firstDispatch(attempts: row.optionalInt(13) ?? 0) : .queued,
            refusals: Refusals(count: row.int(16), time: .seconds(row.optionalDouble(17) ?? 0)),
            pause: .seconds(row.optionalDouble(18) ?? 0))
    }
}

/// How much an instance can take on, whatever room the targets have.
package struct ClaimBounds: Sendable {
    /// Items of one workspace.
    package var itemsEach: Int
    /// Bytes of bodies, of all workspaces together; the item that reaches them is still taken.
    package var bytes: Int

    package init(itemsEach: Int, bytes: Int) {
        self.itemsEach = itemsEach
        self.bytes = bytes
    }

    /// Whether something may have been left for want of them.
    ///
    /// - Returns: all of the workspaces once the bytes were used up, else those that got as many items as they may.
    package func left(by items: [ClaimedItem], of workspaces: [UUID]) -> [UUID] {
        if items.reduce(0, { $0 + $1.body.count }) >= bytes { return workspaces }
        let counts = items.reduce(into: [UUID: Int]()) { $0[$1.workspace, default: 0] += 1 }
        return workspaces.filter { counts[$0, default: 0] >= itemsEach }
    }
}

/// What a pass of the drain got.
package struct Claims: Sendable {
    package var items: [ClaimedItem] = []
    package var events: [CommittedEvent] = []
    /// Why items that were claimed cannot be delivered.
    package var unreadable: [PostgresError] = []
}
