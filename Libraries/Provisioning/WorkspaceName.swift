import Contracts
import Foundation

/// What a workspace's container, volume and address are called: everything is named after the first 12 characters of
/// its id.
///
/// Made from an id, or from what was found on an engine, where there may be no id any more.
package struct WorkspaceName: Sendable, Hashable, CustomStringConvertible {
    /// The first 12 characters of the id as it is written, lower-case, the dash included.
    package let prefix: String

    package init(_ id: UUID) { prefix = String(id.lowercased.prefix(Self.prefixLength)) }

    /// - Returns: `nil` for anything but 12 characters that are hexadecimal digits and dashes: a name that merely looks
    ///   like ours, or a short one that would match many ids.
    package init?(prefix: String) {
        guard prefix.utf8.count == Self.prefixLength, prefix.utf8.allSatisfy(Self.allowed.contains) else { return nil }
        self.prefix = prefix
    }

    /// Container, host name and network alias.
    package var container: String { Self.start + prefix }

    /// The volume at `/configs`.
    package var volume: String { Self.start + prefix + Self.volumeEnd }

    /// The first and the last id that begin like this; `nil` where no id does, since its dashes are elsewhere.
    package var ids: ClosedRange<UUID>? {
        guard let first = UUID(canonical: prefix + "0-0000-0000-000000000000"),
            let last = UUID(canonical: prefix + "f-ffff-ffff-ffffffffffff")
        else { return nil }
        return first...last
    }

    /// Where its agent is reached from inside the network.
    package var internalURL: String { "http://\(container):\(Self.port)" }

    package var description: String { container }

    /// The network that all agents of this machine share.
    package static let network = "molecule-monorepo-net"
    /// Where an agent listens inside its container.
    package static let port = 8000
    /// Where a container has its config volume.
    package static let configsFolder = "/configs"
    /// Where a container has the host's folder that it may use.
    package static let workspaceFolder = "/workspace"

    /// What follows `ws-`; `nil` for other names. Engines put a slash before a container's name.
    static func prefix(ofContainer name: String) -> String? {
        let name = name.hasPrefix("/") ? name.dropFirst() : name[...]
        return name.hasPrefix(start) ? String(name.dropFirst(start.count)) : nil
    }

    /// What stands between `ws-` and `-configs`; `nil` for other names.
    static func prefix(ofVolume name: String) -> String? {
        guard name.hasPrefix(start), name.hasSuffix(volumeEnd), name.count > start.count + volumeEnd.count else {
            return nil
        }
        return String(name.dropFirst(start.count).dropLast(volumeEnd.count))
    }

    private static let start = "ws-"
    private static let volumeEnd = "-configs"
    private static let prefixLength = 12
    private static let allowed = Set("0123456789abcdef-".utf8)
}
