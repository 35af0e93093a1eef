/// A backend whose images the platform manages: a container engine. A control plane manages its own.
package protocol ImageBackend: Sendable {
    /// Pulls an image, also when one of that name is present.
    ///
    /// - Returns: the id of the image that the name refers to now.
    /// - Throws: `imageMissing` or `unavailable`; then the name refers to the same image as before, if any.
    func pull(_ image: String) async throws(ProvisioningError) -> String

    /// The image of a workspace's container; `nil` when there is none.
    func image(of workspace: WorkspaceName) async throws(ProvisioningError) -> ContainerImage?
}

/// The image that a container was created from.
package struct ContainerImage: Sendable, Hashable {
    /// The name that the container was created with, which may refer to another image by now.
    package let name: String
    /// The image's id.
    package let id: String

    package init(name: String, id: String) {
        self.name = name
        self.id = id
    }
}
