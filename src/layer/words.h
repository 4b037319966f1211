/* Vulkan's words in Freehold's. */

#ifndef FREEHOLD_LAYER_WORDS_H
#define FREEHOLD_LAYER_WORDS_H

#include <freehold/resource.h>

#include <vulkan/vulkan.h>

/* FH_FORMAT_NONE: Freehold has no such format. */
fh_format fhi_layer_format(VkFormat format);

/* What Freehold has no word for is left out. */
fh_usage fhi_layer_buffer_usage(VkBufferUsageFlags usage);
fh_usage fhi_layer_image_usage(VkImageUsageFlags usage);

#endif
