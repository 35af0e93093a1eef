import Registry
import ServiceHost

await ServiceLauncher.run(RegistryService.self)
