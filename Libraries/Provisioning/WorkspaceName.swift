import Contracts
import Foundation

/// The names of a workspace's container, volume and address, all derived from the first 12 characters of its id.
///
/// Made from an id, or from a name found on an engine, whose workspace may not exist any more.
package struct WorkspaceName: Sendable, Hashable, CustomStringConvertible {
    /// The first 12 characters of the id's text, lower-case, the dash included.
    package let prefix: String

    package init(_ id: UUID) { prefix = String(id.lowercased.prefix(Self.prefixLength)) }

    /// - Returns: `nil` for anything but 12 hexadecimal digits and dashes: a similar name of another origin, or a short
    ///   one that would match many ids.
    package init?(prefix: String) {
        guard prefix.utf8.count == Self.prefixLength, prefix.utf8.allSatisfy(Self.allowed.contains) else { return nil }
        self.prefix = prefix
    }

    /// Container, host name and network alias.
    package var container: String { Self.start + prefix }

    /// The volume at `/configs`.
    package var volume: String { Self.start + prefix + Self.volumeEnd }

    /// The first and the last id with this prefix; `nil` when its dashes are at the wrong positions.
    package var ids: ClosedRange<UUID>? {
        guard let first = UUID(canonical: prefix + "0-0000-0000-000000000000"),
            let last = UUID(canonical: prefix + "f-ffff-ffff-ffffffffffff")
        else { return nil }
        return first...last
    }

    /// Its agent's URL inside the network.
    package var internalURL: String { "http://\(container):\(Self.port)" }

    package var description: String { container }

    /// The network that all agents of this machine share.
    package static let network = "molecule-monorepo-net"
    /// The port of an agent inside its container.
    package static let port = 8000
    /// The mount point of the config volume.
    package static let configsFolder = "/configs"
    /// The mount point of the host's folder.
    package static let workspaceFolder = "/workspace"

    /// The part after `ws-`; `nil` for other names. Engines put a slash before a container's name.
    static func prefix(ofContainer name: String) -> String? {
        let name = name.hasPrefix("/") ? name.dropFirst() : name[...]
        return name.hasPrefix(start) ? String(name.dropFirst(start.count)) : nil
    }

    /// The part between `ws-` and `-configs`; `nil` for other names.
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
