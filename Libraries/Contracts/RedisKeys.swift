import Foundation

/// The names of everything in Redis, and the commands whose form is part of the contract.
///
/// All of it may vanish at any moment: every write re-creates its key, and no status depends on one.
public enum RedisKeys {
    /// A sorted set: workspace id to its last sign of life in milliseconds since 1970.
    ///
    /// One set and not a key a workspace, so that a batch of heartbeats is one command whatever its size, and so
    /// that nothing needs an expiry of its own. Idle timers read it when they fire. It is trimmed by the sweeper.
    public static let liveness = "ws:live"

    /// The cached address of a workspace, for ``urlLifetimeSeconds``.
    public static func url(_ workspace: UUID) -> String { "ws:\(workspace.lowercased):url" }

    /// The overrides of a workspace's runtime (capabilities, idle timeout) as JSON.
    public static func runtime(_ workspace: UUID) -> String { "ws:\(workspace.lowercased):runtime" }

    /// The rate-limit bucket of a client, by the hash of its token or by its address.
    public static func rateLimit(_ client: String) -> String { "rl:\(client)" }

    /// How long a cached address is believed.
    public static let urlLifetimeSeconds = 300

    /// How long overrides are kept without news: the workspace's own row has them, too.
    public static let runtimeLifetimeSeconds = 300

    /// The command that notes signs of life; `GT` keeps a late batch from turning a newer one back.
    /// - Parameter signs: workspaces and milliseconds since 1970; not empty.
    public static func noteLife(_ signs: [(workspace: UUID, milliseconds: Int64)]) -> [String] {
        var command = ["ZADD", liveness, "GT"]
        command.reserveCapacity(3 + 2 * signs.count)
        for sign in signs {
            command.append(String(sign.milliseconds))
            command.append(sign.workspace.lowercased)
        }
        return command
    }

    /// The command that reads last signs of life: an array of scores or nulls in the order asked for.
    public static func readLife(_ workspaces: some Collection<UUID>) -> [String] {
        ["ZMSCORE", liveness] + workspaces.map(\.lowercased)
    }

    /// The command that forgets signs of life older than a time.
    public static func trimLife(before milliseconds: Int64) -> [String] {
        ["ZREMRANGEBYSCORE", liveness, "-inf", "(\(milliseconds)"]
    }

    /// The command that reads one sign of life older than a time, with its score: an array of a member and a score, or an
    /// empty one.
    /// - Parameters:
    ///   - number: which one, counted from 1.
    ///   - fromNewest: counted from the newest of them, else from the oldest of all.
    public static func oldestLife(before milliseconds: Int64, number: Int, fromNewest: Bool) -> [String] {
        let bounds = ["-inf", "(\(milliseconds)"]
        return ["ZRANGE", liveness] + (fromNewest ? bounds.reversed() : bounds)
            + ["BYSCORE"] + (fromNewest ? ["REV"] : []) + ["LIMIT", String(number - 1), "1", "WITHSCORES"]
    }

    /// The command that caches a workspace's address.
    public static func cacheURL(_ url: String, of workspace: UUID) -> [String] {
        ["SET", self.url(workspace), url, "EX", String(urlLifetimeSeconds)]
    }

    /// The command that caches a workspace's overrides.
    public static func cacheRuntime(_ overrides: String, of workspace: UUID) -> [String] {
        ["SET", runtime(workspace), overrides, "EX", String(runtimeLifetimeSeconds)]
    }

    /// The command that forgets everything cached about workspaces.
    public static func forget(_ workspaces: some Collection<UUID>) -> [String] {
        ["DEL"] + workspaces.flatMap { [url($0), runtime($0)] }
    }
}
