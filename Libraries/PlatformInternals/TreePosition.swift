import Foundation

/// A workspace's position in the tree, which decides which workspaces may communicate.
package struct TreePosition: Sendable, Hashable {
    /// How many levels the hierarchy rules look up.
    package static let levelLimit = 32

    package let id: UUID
    /// The parent first, then its parent, as far up as the rules look; empty for a root.
    package let ancestors: [UUID]

    /// - Parameter ancestors: the parent first, the root last; those beyond the limit do not count.
    package init(id: UUID, ancestors: [UUID]) {
        self.id = id
        self.ancestors = ancestors.count > Self.levelLimit ? Array(ancestors.prefix(Self.levelLimit)) : ancestors
    }
}
