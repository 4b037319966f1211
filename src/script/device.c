#include "script/device.h"

#include "device/core.h"
#include "device/inside.h"

fh_host_memory fhi_device_memory(const fh_device *device)
{
    return device->core->memory;
}

fh_log fhi_device_log(const fh_device *device)
{
    return device->core->log;
}

bool fhi_device_in_hook(fh_device *device)
{
    return fhi_inside_hook(device->core);
}

void fhi_device_facts(fh_device *device, fh_facts *out_facts)
{
    fhi_facts_gather(device->core, out_facts);
}

bool fhi_device_watches_decisions(const fh_device *device)
{
    return device && fhi_is_observed(device->core, FH_EVENT_DECIDED);
}

void fhi_device_tell_decided(fh_device *device, fh_event *event)
{
    event->kind = FH_EVENT_DECIDED;
    fhi_observe(device->core, event);
}

fh_pool *fhi_device_pool(fh_device *device, const char *name)
{
    return fhi_device_pool_by_name(device, name);
}
