/// The images of runtimes.
package struct WorkspaceImages: Sendable {
    private let images: [String: String]

    /// - Parameter overrides: images by runtime; they replace the defaults, or add runtimes.
    package init(overrides: [String: String] = [:]) {
        let defaults = Self.runtimes.map { ($0, "\(Self.repository)\($0):latest") }
        images = Dictionary(defaults) { first, _ in first }.merging(overrides.mapValues(Self.withTag)) { $1 }
    }

    /// The image of a runtime, with a tag or digest; `nil` for an unknown one.
    package func image(for runtime: String) -> String? { images[runtime] }

    /// Every runtime that has an image, in order.
    package var knownRuntimes: [String] { images.keys.sorted() }

    /// Without a tag an engine would pull all tags.
    private static func withTag(_ image: String) -> String {
        let name = image.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        return name.contains(":") || name.contains("@") ? image : image + ":latest"
    }

    private static let repository = "ghcr.io/molecule-ai/workspace-template-"
    private static let runtimes = [
        "claude-code", "langgraph", "crewai", "autogen", "deepagents", "hermes", "gemini-cli", "openclaw",
    ]
}
