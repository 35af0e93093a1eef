import Contracts
import Foundation

/// The key in Redis, and the commands whose form is part of the contract.
///
/// It may be lost at any moment: every write re-creates it, and no status depends on it.
package enum RedisKeys {
    /// A sorted set: workspace id to the time of its last activity in milliseconds since 1970.
    ///
    /// One set instead of a key per workspace, so that a batch of heartbeats is one command whatever its size, and no
    /// key needs an expiry of its own. Idle timers read it when they fire. It is trimmed by the sweeper.
    package static let liveness = "ws:live"

    /// The command that records activity; `GT` keeps a late batch from overwriting newer times.
    /// - Parameter entries: workspaces and milliseconds since 1970; not empty.
    package static func recordLiveness(_ entries: [(workspace: UUID, milliseconds: Int64)]) -> [String] {
        var command = ["ZADD", liveness, "GT"]
        command.reserveCapacity(3 + 2 * entries.count)
        for entry in entries {
            command.append(String(entry.milliseconds))
            command.append(entry.workspace.lowercased)
        }
        return command
    }

    /// The command that reads the times of last activity: an array of scores or nulls in the order of `workspaces`.
    package static func readLiveness(_ workspaces: some Collection<UUID>) -> [String] {
        ["ZMSCORE", liveness] + workspaces.map(\.lowercased)
    }

    /// The command that removes entries older than a time.
    package static func trimLiveness(before milliseconds: Int64) -> [String] {
        ["ZREMRANGEBYSCORE", liveness, "-inf", "(\(milliseconds)"]
    }

    /// The command that reads one entry older than a time, with its score: an array of a member and a score, or an
    /// empty one.
    /// - Parameters:
    ///   - number: which one, counted from 1.
    ///   - fromNewest: counted from the newest of them, else from the oldest of all.
    package static func oldestLiveness(before milliseconds: Int64, number: Int, fromNewest: Bool) -> [String] {
        let bounds = ["-inf", "(\(milliseconds)"]
        return ["ZRANGE", liveness] + (fromNewest ? bounds.reversed() : bounds)
            + ["BYSCORE"] + (fromNewest ? ["REV"] : []) + ["LIMIT", String(number - 1), "1", "WITHSCORES"]
    }
}
