import ActivityFeed
import Configuration
import Contracts
import Observability
import Provisioning
import ServiceHost
import ServiceLifecycle
import UVHTTPServer
import UVLoop

/// The service for event streams, notifications, the activity feed and files of chats.
package enum NotifierService: HostedService {
    /// The notifier's configuration beside the common one.
    package struct Settings: Sendable {
        /// The most open streams, in this process.
        package var streams = 20_000
        package var streamsPerWorkspace = 32
        /// Memory budget of events buffered for viewers, in bytes.
        package var streamBytes = 64 << 20
        /// Memory budget of feed pages and event lists that clients have not read yet, in bytes.
        package var responseBytes = 128 << 20
        /// The installation's name in the console.
        package var platformName = "Switchyard"
        package var files = ChatFileSettings()
        /// The backend of the containers that files are copied into and out of.
        package var provisioner = ProvisionerSettings(backend: .none)

        package init() {}
    }

    package static let name = ServiceName.notifier

    package static func settings(_ reader: ConfigurationReader) -> Settings {
        var settings = Settings()
        settings.streams = reader.int(
            "NOTIFIER_STREAMS", default: settings.streams, in: 1...1_000_000,
            "Event streams that may be open at once, in this process.")
        settings.streamsPerWorkspace = reader.int(
            "NOTIFIER_STREAMS_PER_WORKSPACE", default: settings.streamsPerWorkspace, in: 1...1_000_000,
            "Of these, with the tokens of one workspace.")
        settings.streamBytes = reader.int(
            "NOTIFIER_STREAM_BUFFER_BYTES", default: settings.streamBytes, in: 1 << 20...1 << 40,
            "Bytes of events held for viewers at once; beyond it those that are slow lose some, and are told. Beyond twice "
                + "as much with what is on its way, those that take nothing are cut off.")
        settings.responseBytes = reader.int(
            "NOTIFIER_RESPONSE_BUDGET_BYTES", default: settings.responseBytes, in: 16 << 20...1 << 40,
            "Bytes of lists held at once until clients have read them; a workspace may have an eighth of it.")
        settings.platformName = reader.string(
            "PLATFORM_NAME", default: settings.platformName, "What the console calls this installation.")
        settings.files = ChatFileSettings(reader)
        settings.provisioner = ProvisionerSettings(reader)
        return settings
    }

    package static func assemble(_ context: ServiceContext, _ settings: Settings) throws -> ServiceParts {
        let streaming = try Streaming(context, settings)
        let slow = SlowQueryBulkhead(
            databaseURL: context.configuration.databaseURL, applicationName: "\(context.instance)-slow",
            metrics: context.metrics)
        let responses = ResponseMemory(bytes: settings.responseBytes)
        addGauges(streaming.memory, responses, context)
        let store = FeedStore(postgres: context.postgres)
        let log = ActivityLogStore(postgres: context.postgres)
        var router = Router()
        let tickets = StreamTickets(context: context, store: TicketStore(postgres: context.postgres))
        tickets.add(to: &router)
        StreamRoutes(context: context, opening: streaming.opening, tickets: tickets, memory: responses).add(to: &router)
        WebSocketRoutes(context: context, opening: streaming.opening, tickets: tickets).add(to: &router)
        NotifyRoutes(context: context, store: store, log: log).add(to: &router)
        ActivityRoutes(context: context, store: store, log: log).add(to: &router)
        PageRoutes(pages: ConsolePages()).add(to: &router)
        SessionRoutes(
            context: context, store: SessionStore(postgres: context.postgres, source: context.source),
            platformName: settings.platformName
        ).add(to: &router)
        let indexer = FeedIndexer(slow, logger: context.logger)
        FeedRoutes(context: context, store: store, slow: slow, indexer: indexer, memory: responses).add(to: &router)
        let cleaner = addFiles(context, settings, to: &router)
        return ServiceParts(router: router, services: [slow, indexer] + streaming.services + [cleaner])
    }

    /// Adds the routes of files, and makes the service that deletes files.
    private static func addFiles(
        _ context: ServiceContext, _ settings: Settings, to router: inout Router
    ) -> ChatFileCleaner {
        let rows = ChatFileRows(postgres: context.postgres)
        let store = settings.files.makeStore(loops: context.loops)
        let quota = TransferQuota(settings.files)
        context.metrics.measuredGauge(
            "switchyard_upload_bytes", "Bytes of uploads in flight, by their announced lengths."
        ) { Double(quota.spooledBytes) }
        let fileWriter = ChatFileWriter(
            rows: rows, quota: settings.files.quota, store: store,
            provisioner: settings.provisioner.makeProvisioner(loops: context.loops, logger: context.logger),
            logger: context.logger)
        ChatFileRoutes(
            context: context, fileWriter: fileWriter, finder: ChatFileFinder(rows: rows, fileWriter: fileWriter),
            quota: quota,
            spoolFolder: settings.files.spoolFolder
        ).add(to: &router)
        return ChatFileCleaner(
            rows: FileDeletionRows(postgres: context.postgres), store: store, loop: context.loops.next(),
            logger: context.logger)
    }

    private static func addGauges(_ memory: StreamMemory, _ responses: ResponseMemory, _ context: ServiceContext) {
        context.metrics.measuredGauge(
            "switchyard_stream_buffer_bytes", "Bytes of events buffered for viewers, and of copies in flight."
        ) { Double(memory.bytes) }
        context.metrics.measuredGauge(
            "switchyard_response_buffer_bytes", "Bytes of lists buffered until their clients have read them."
        ) { Double(responses.taken) }
    }
}
