/// A backend whose images are its own affair: a container engine. A control plane cares for those of its machines itself.
package protocol ImageBackend: Sendable {
    /// Has an image pulled, whether there is one by that name or not.
    ///
    /// - Returns: the id of what the name stands for now.
    /// - Throws: `imageMissing` or `unavailable`; then the name stands for what it stood for before, if anything.
    func pull(_ image: String) async throws(ProvisioningError) -> String

    /// What a workspace's container was made from; `nil` when there is none.
    func image(of workspace: WorkspaceName) async throws(ProvisioningError) -> ContainerImage?
}

/// What a container was made from.
package struct ContainerImage: Sendable, Hashable {
    /// The name that it was created with, which may stand for another image by now.
    package let name: String
    /// The image itself.
    package let id: String

    package init(name: String, id: String) {
        self.name = name
        self.id = id
    }
}
