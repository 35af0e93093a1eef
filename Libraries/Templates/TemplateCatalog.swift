import Configuration
import Observability
import Synchronization
import UVLoop

/// The templates of `TEMPLATES_DIR`, cached for a few seconds.
///
/// A faulty template is never fatal: unusable parts are left out, and warned about once.
package final class TemplateCatalog: Sendable {
    private struct State {
        var listing: TemplateFolder.Listing?
        var readAt: ContinuousClock.Instant?
        /// The read in flight, shared by all its callers.
        var reading: Task<TemplateFolder.Listing, Never>?
    }

    private let folder: TemplateFolder?
    private let maximumAge: Duration
    private let loops: EventLoopGroup
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameters:
    ///   - path: `nil` for no templates at all.
    ///   - maximumAge: how long a listing is cached.
    package convenience init(
        path: String?, maximumAge: Duration = .seconds(5), loops: EventLoopGroup, logger: Logger
    ) {
        self.init(folder: path.map { TemplateFolder(path: $0) }, maximumAge: maximumAge, loops: loops, logger: logger)
    }

    init(folder: TemplateFolder?, maximumAge: Duration, loops: EventLoopGroup, logger: Logger) {
        self.folder = folder
        self.maximumAge = maximumAge
        self.loops = loops
        self.logger = logger
    }

    /// Reads where the templates are.
    package static func path(_ reader: ConfigurationReader) -> String? {
        reader.optionalString("TEMPLATES_DIR", "The folder of workspace templates, one folder each.")
    }

    /// All templates, by name.
    package func list() async -> [Template] { await listing().templates }

    /// The template of this name.
    ///
    /// - Returns: `nil` when there is none, or when the name leads out of the folder.
    package func template(named name: String) async -> Template? {
        await list().first { $0.name == name }
    }

    /// How long a workspace may be `provisioning`, by its runtime: the longest that any of the runtime's templates
    /// declares.
    package func provisionTimeouts() async -> [String: Duration] {
        await list().reduce(into: [:]) { longest, template in
            guard let runtime = template.configuration.runtime, let timeout = template.configuration.provisionTimeout
            else { return }
            longest[runtime] = max(longest[runtime] ?? .zero, timeout)
        }
    }

    /// The files of a template as they are now, for a workspace's config volume.
    package func files(of name: String) async throws(TemplateError) -> [TemplateFile] {
        guard let folder else { throw .unknown }
        return try await loops.any().blocking {
            Result { () throws(TemplateError) in try folder.files(of: name) }
        }.get()
    }

    private func listing() async -> TemplateFolder.Listing {
        guard let folder else { return TemplateFolder.Listing() }
        let current = state.withLock { state -> Result<TemplateFolder.Listing, Reading> in
            if let listing = state.listing, let readAt = state.readAt, readAt.duration(to: .now) < maximumAge {
                return .success(listing)
            }
            let task = state.reading ?? Task { await self.read(folder) }
            state.reading = task
            return .failure(Reading(task: task))
        }
        switch current {
        case .success(let listing): return listing
        case .failure(let reading): return await reading.task.value
        }
    }

    private struct Reading: Error {
        let task: Task<TemplateFolder.Listing, Never>
    }

    private func read(_ folder: TemplateFolder) async -> TemplateFolder.Listing {
        let listing = await loops.any().blocking { folder.list() }
        let previous = state.withLock { state in
            defer {
                state.listing = listing
                state.readAt = .now
                state.reading = nil
            }
            return state.listing?.warnings ?? []
        }
        for warning in listing.warnings where !previous.contains(warning) {
            logger.warning(
                "something of a template is ignored",
                [.name: .string(warning.template ?? folder.path), .reason: .string(warning.reason)])
        }
        return listing
    }
}
