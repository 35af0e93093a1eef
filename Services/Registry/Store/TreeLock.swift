import Postgres

/// Serialises everything that changes who is whose parent.
///
/// Locks on rows would not do: two moves that would close a circle together touch disjoint rows, and the path from a new
/// parent to its root may change while it is being locked. Moves are rare and made by people, so that one lock for the
/// whole tree, held to the end of the transaction, costs nobody anything. Take it before any row's lock.
enum TreeLock {
    static let take = Statement("tree_lock", "SELECT pg_advisory_xact_lock(hashtextextended('switchyard.tree', 0))")
}
