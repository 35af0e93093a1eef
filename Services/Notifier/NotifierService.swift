import Configuration
import Contracts
import EventLoop
import HTTPServer
import Observability
import Provisioning
import ServiceHost
import ServiceLifecycle

/// The service that tells people and agents what happens: event streams, notifications, the feed.
package enum NotifierService: HostedService {
    /// What the notifier reads from its environment beside the common configuration.
    package struct Settings: Sendable {
        /// Open streams, in this process.
        package var streams = 20_000
        package var streamsPerWorkspace = 32
        /// Bytes of events held for viewers.
        package var streamBytes = 64 << 20
        /// Bytes of feed pages and event lists held until their clients have read them.
        package var responseBytes = 128 << 20
        /// What the console calls this installation.
        package var platformName = "Switchyard"
        package var files = ChatFileSettings()
        /// The containers that files are copied into and out of.
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
        let slow = SlowQueries(
            databaseURL: context.configuration.databaseURL, applicationName: "\(context.instance)-slow",
            metrics: context.metrics)
        let responses = ResponseMemory(bytes: settings.responseBytes)
        measure(streaming.memory, responses, context)
        let store = ActivityStore(postgres: context.postgres)
        var router = Router()
        let tickets = StreamTickets(context: context, store: TicketStore(postgres: context.postgres))
        tickets.add(to: &router)
        StreamRoutes(context: context, opening: streaming.opening, tickets: tickets, memory: responses).add(to: &router)
        WebSocketRoutes(context: context, opening: streaming.opening, tickets: tickets).add(to: &router)
        NotifyRoutes(context: context, store: store).add(to: &router)
        ActivityRoutes(context: context, store: store).add(to: &router)
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

    /// The routes of files, and what removes those that are to go.
    private static func addFiles(
        _ context: ServiceContext, _ settings: Settings, to router: inout Router
    ) -> ChatFileCleaner {
        let rows = ChatFileRows(postgres: context.postgres)
        let store = settings.files.makeStore(loops: context.loops)
        let quota = TransferQuota(settings.files)
        context.metrics.measuredGauge(
            "switchyard_upload_bytes", "Uploads under way, as long as they were announced."
        ) { Double(quota.spooledBytes) }
        let keeper = ChatFileKeeper(
            rows: rows, quota: settings.files.quota, store: store,
            provisioner: settings.provisioner.makeProvisioner(loops: context.loops, logger: context.logger),
            logger: context.logger)
        ChatFileRoutes(
            context: context, keeper: keeper, finder: ChatFileFinder(rows: rows, keeper: keeper), quota: quota,
            spoolFolder: settings.files.spoolFolder
        ).add(to: &router)
        return ChatFileCleaner(
            rows: DoomedFileRows(postgres: context.postgres), store: store, loop: context.loops.next(),
            logger: context.logger)
    }

    private static func measure(_ memory: StreamMemory, _ responses: ResponseMemory, _ context: ServiceContext) {
        context.metrics.measuredGauge(
            "switchyard_stream_buffer_bytes", "Events held in memory for viewers, and copies on their way."
        ) { Double(memory.bytes) }
        context.metrics.measuredGauge(
            "switchyard_response_buffer_bytes", "Lists held in memory until their clients have read them."
        ) { Double(responses.taken) }
    }
}
