/* Which resources does a submit use? The half of the layer that follows command buffers,
 * descriptors, views and framebuffers, as the other half calls it. */

#ifndef FREEHOLD_LAYER_COMMANDS_H
#define FREEHOLD_LAYER_COMMANDS_H

#include "layer/device.h"
#include "layer/id_set.h"

/* What it stands in for, each file its own. A function is offered to the program only where the
 * layer below has it. */
extern const fhi_layer_entries fhi_layer_command_buffer_entries;
extern const fhi_layer_entries fhi_layer_copy_entries;
extern const fhi_layer_entries fhi_layer_descriptor_set_entries;
extern const fhi_layer_entries fhi_layer_descriptor_write_entries;
extern const fhi_layer_entries fhi_layer_descriptor_template_entries;
extern const fhi_layer_entries fhi_layer_draw_entries;
extern const fhi_layer_entries fhi_layer_pass_entries;
extern const fhi_layer_entries fhi_layer_ray_entries;
extern const fhi_layer_entries fhi_layer_view_entries;

/* After the device was made and its table filled; sets device->commands. False: no host memory;
 * the program goes on, and submits have no uses. `info` is the program's own. */
bool fhi_layer_commands_open(fhi_layer_device *device, const VkDeviceCreateInfo *info);

/* Before the device goes; frees also what the program left. device->commands may be NULL. */
void fhi_layer_commands_close(fhi_layer_device *device);

/* Adds the ids of the resources that these command buffers use to `uses`. Called before the
 * command buffers go to the queue, once for each batch; ids may be of resources that are gone. */
void fhi_layer_submit_uses(fhi_layer_device *device, const VkCommandBuffer *buffers, size_t count,
                           fhi_id_set *uses);

/* The same, of VkSubmitInfo2. */
void fhi_layer_submit_uses2(fhi_layer_device *device, const VkCommandBufferSubmitInfo *buffers,
                            size_t count, fhi_id_set *uses);

#endif
