/// Who may call whom: messages, delegations and peers' views follow this rule alone.
extension TreePosition {
    /// Self; siblings; two roots; parent and child; any ancestor and any descendant. Everything else is refused.
    package func canCommunicate(with other: TreePosition) -> Bool {
        id == other.id || ancestors.first == other.ancestors.first || ancestors.contains(other.id)
            || other.ancestors.contains(id)
    }
}
