/* Work for the GPU: pipelines, descriptors, passes, threads. */

#include "scenes.h"

#include "shaders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static VkShaderModule make_module(const test_gpu *gpu, const uint32_t *code, size_t size)
{
    VkShaderModuleCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
        .codeSize = size,
        .pCode = code,
    };
    VkShaderModule module;
    gpu_check(vkCreateShaderModule(gpu->device, &info, NULL, &module), "vkCreateShaderModule");
    return module;
}

/* ---- compute ---- */

/* target[i] = source[i] * 3 + 1 */
typedef struct triple_job {
    VkDescriptorSetLayout set_layout;
    VkPipelineLayout layout;
    VkPipeline pipeline;
    VkDescriptorPool pool;
    VkDescriptorSet set;
    gpu_buffer source, target;
} triple_job;

static void make_tripler(const test_gpu *gpu, triple_job *made)
{
    VkDescriptorSetLayoutBinding bindings[2] = {
        {0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
        {1, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
    };
    VkDescriptorSetLayoutCreateInfo set_layout = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = 2,
        .pBindings = bindings,
    };
    gpu_check(vkCreateDescriptorSetLayout(gpu->device, &set_layout, NULL, &made->set_layout),
              "vkCreateDescriptorSetLayout");
    VkPipelineLayoutCreateInfo layout = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .setLayoutCount = 1,
        .pSetLayouts = &made->set_layout,
    };
    gpu_check(vkCreatePipelineLayout(gpu->device, &layout, NULL, &made->layout),
              "vkCreatePipelineLayout");
    VkShaderModule module = make_module(gpu, comp_code, sizeof comp_code);
    VkComputePipelineCreateInfo pipeline = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                  .module = module,
                  .pName = "main"},
        .layout = made->layout,
    };
    gpu_check(
        vkCreateComputePipelines(gpu->device, VK_NULL_HANDLE, 1, &pipeline, NULL, &made->pipeline),
        "vkCreateComputePipelines");
    vkDestroyShaderModule(gpu->device, module, NULL);

    VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 2};
    VkDescriptorPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .maxSets = 1,
        .poolSizeCount = 1,
        .pPoolSizes = &size,
    };
    gpu_check(vkCreateDescriptorPool(gpu->device, &pool, NULL, &made->pool),
              "vkCreateDescriptorPool");
    VkDescriptorSetAllocateInfo sets = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorPool = made->pool,
        .descriptorSetCount = 1,
        .pSetLayouts = &made->set_layout,
    };
    gpu_check(vkAllocateDescriptorSets(gpu->device, &sets, &made->set), "descriptor set");
    made->source = gpu_make_buffer(gpu, 1024, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
    made->target = gpu_make_buffer(gpu, 1024, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
    VkDescriptorBufferInfo buffers[2] = {
        {made->source.buffer, 0, VK_WHOLE_SIZE},
        {made->target.buffer, 0, VK_WHOLE_SIZE},
    };
    VkWriteDescriptorSet write = {
        .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
        .dstSet = made->set,
        .descriptorCount = 1,
        .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
    };
    for (uint32_t i = 0; i < 2; i++) {
        write.dstBinding = i;
        write.pBufferInfo = &buffers[i];
        vkUpdateDescriptorSets(gpu->device, 1, &write, 0, NULL);
    }
    for (uint32_t i = 0; i < 256; i++) {
        made->source.words[i] = i;
    }
}

static void free_tripler(const test_gpu *gpu, triple_job *made)
{
    gpu_free_buffer(gpu, &made->source);
    gpu_free_buffer(gpu, &made->target);
    vkDestroyDescriptorPool(gpu->device, made->pool, NULL);
    vkDestroyPipeline(gpu->device, made->pipeline, NULL);
    vkDestroyPipelineLayout(gpu->device, made->layout, NULL);
    vkDestroyDescriptorSetLayout(gpu->device, made->set_layout, NULL);
}

static void record_tripler(const triple_job *tripler, VkCommandBuffer commands)
{
    vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, tripler->pipeline);
    vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, tripler->layout, 0, 1,
                            &tripler->set, 0, NULL);
    vkCmdDispatch(commands, 4, 1, 1);
}

static uint32_t sum(const gpu_buffer *buffer)
{
    uint32_t all = 0;
    for (uint64_t i = 0; i < buffer->size / 4; i++) {
        all += buffer->words[i];
    }
    return all;
}

void scene_compute(test_gpu *gpu)
{
    triple_job tripler;
    make_tripler(gpu, &tripler);
    VkCommandBuffer commands = gpu_begin(gpu, gpu->pool);
    record_tripler(&tripler, commands);
    gpu_memory_barrier(commands);
    gpu_finish(gpu, gpu->pool, commands);
    printf("compute: %u\n", sum(&tripler.target));
    free_tripler(gpu, &tripler);
}

/* The same from a secondary command buffer. */
void scene_secondary(test_gpu *gpu)
{
    triple_job tripler;
    make_tripler(gpu, &tripler);
    VkCommandBufferAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = gpu->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_SECONDARY,
        .commandBufferCount = 1,
    };
    VkCommandBufferInheritanceInfo inherited = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_INHERITANCE_INFO,
    };
    VkCommandBufferBeginInfo begin = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .pInheritanceInfo = &inherited,
    };
    VkCommandBuffer secondary;
    gpu_check(vkAllocateCommandBuffers(gpu->device, &info, &secondary), "command buffer");
    gpu_check(vkBeginCommandBuffer(secondary, &begin), "vkBeginCommandBuffer");
    record_tripler(&tripler, secondary);
    gpu_check(vkEndCommandBuffer(secondary), "vkEndCommandBuffer");

    VkCommandBuffer commands = gpu_begin(gpu, gpu->pool);
    vkCmdExecuteCommands(commands, 1, &secondary);
    gpu_memory_barrier(commands);
    gpu_finish(gpu, gpu->pool, commands);
    vkFreeCommandBuffers(gpu->device, gpu->pool, 1, &secondary);
    printf("secondary: %u\n", sum(&tripler.target));
    free_tripler(gpu, &tripler);
}

/* Without a fence: a timeline tells when it is done. */
void scene_timeline(test_gpu *gpu)
{
    triple_job tripler;
    make_tripler(gpu, &tripler);
    VkSemaphoreTypeCreateInfo type = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
        .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
        .initialValue = 5,
    };
    VkSemaphoreCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
        .pNext = &type,
    };
    VkSemaphore semaphore;
    gpu_check(vkCreateSemaphore(gpu->device, &info, NULL, &semaphore), "vkCreateSemaphore");
    VkCommandBuffer commands = gpu_begin(gpu, gpu->pool);
    record_tripler(&tripler, commands);
    gpu_memory_barrier(commands);
    gpu_check(vkEndCommandBuffer(commands), "vkEndCommandBuffer");
    uint64_t point = 9;
    VkTimelineSemaphoreSubmitInfo points = {
        .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
        .signalSemaphoreValueCount = 1,
        .pSignalSemaphoreValues = &point,
    };
    VkSubmitInfo submit = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .pNext = &points,
        .commandBufferCount = 1,
        .pCommandBuffers = &commands,
        .signalSemaphoreCount = 1,
        .pSignalSemaphores = &semaphore,
    };
    gpu_check(vkQueueSubmit(gpu->queue, 1, &submit, VK_NULL_HANDLE), "vkQueueSubmit");
    VkSemaphoreWaitInfo wait = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
        .semaphoreCount = 1,
        .pSemaphores = &semaphore,
        .pValues = &point,
    };
    gpu_check(vkWaitSemaphores(gpu->device, &wait, UINT64_MAX), "vkWaitSemaphores");
    printf("timeline: %u\n", sum(&tripler.target));
    vkFreeCommandBuffers(gpu->device, gpu->pool, 1, &commands);
    vkDestroySemaphore(gpu->device, semaphore, NULL);
    free_tripler(gpu, &tripler);
}

/* ---- graphics ---- */

static VkRenderPass make_pass(const test_gpu *gpu)
{
    VkAttachmentDescription attachment = {
        .format = VK_FORMAT_R8G8B8A8_UNORM,
        .samples = VK_SAMPLE_COUNT_1_BIT,
        .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
        .storeOp = VK_ATTACHMENT_STORE_OP_STORE,
        .stencilLoadOp = VK_ATTACHMENT_LOAD_OP_DONT_CARE,
        .stencilStoreOp = VK_ATTACHMENT_STORE_OP_DONT_CARE,
        .initialLayout = VK_IMAGE_LAYOUT_UNDEFINED,
        .finalLayout = VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL,
    };
    VkAttachmentReference reference = {0, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL};
    VkSubpassDescription subpass = {
        .pipelineBindPoint = VK_PIPELINE_BIND_POINT_GRAPHICS,
        .colorAttachmentCount = 1,
        .pColorAttachments = &reference,
    };
    VkRenderPassCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_RENDER_PASS_CREATE_INFO,
        .attachmentCount = 1,
        .pAttachments = &attachment,
        .subpassCount = 1,
        .pSubpasses = &subpass,
    };
    VkRenderPass pass;
    gpu_check(vkCreateRenderPass(gpu->device, &info, NULL, &pass), "vkCreateRenderPass");
    return pass;
}

static VkPipeline make_pipeline(const test_gpu *gpu, VkPipelineLayout layout, VkRenderPass pass)
{
    VkShaderModule vertex = make_module(gpu, vert_code, sizeof vert_code);
    VkShaderModule fragment = make_module(gpu, frag_code, sizeof frag_code);
    VkPipelineShaderStageCreateInfo stages[2] = {
        {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
         .stage = VK_SHADER_STAGE_VERTEX_BIT,
         .module = vertex,
         .pName = "main"},
        {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
         .stage = VK_SHADER_STAGE_FRAGMENT_BIT,
         .module = fragment,
         .pName = "main"},
    };
    VkVertexInputBindingDescription binding = {0, 8, VK_VERTEX_INPUT_RATE_VERTEX};
    VkVertexInputAttributeDescription attribute = {0, 0, VK_FORMAT_R32G32_SFLOAT, 0};
    VkPipelineVertexInputStateCreateInfo input = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_STATE_CREATE_INFO,
        .vertexBindingDescriptionCount = 1,
        .pVertexBindingDescriptions = &binding,
        .vertexAttributeDescriptionCount = 1,
        .pVertexAttributeDescriptions = &attribute,
    };
    VkPipelineInputAssemblyStateCreateInfo assembly = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_INPUT_ASSEMBLY_STATE_CREATE_INFO,
        .topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST,
    };
    VkViewport viewport = {0, 0, 64, 64, 0, 1};
    VkRect2D scissor = {{0, 0}, {64, 64}};
    VkPipelineViewportStateCreateInfo viewports = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_VIEWPORT_STATE_CREATE_INFO,
        .viewportCount = 1,
        .pViewports = &viewport,
        .scissorCount = 1,
        .pScissors = &scissor,
    };
    VkPipelineRasterizationStateCreateInfo raster = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_CREATE_INFO,
        .lineWidth = 1,
    };
    VkPipelineMultisampleStateCreateInfo samples = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_MULTISAMPLE_STATE_CREATE_INFO,
        .rasterizationSamples = VK_SAMPLE_COUNT_1_BIT,
    };
    VkPipelineColorBlendAttachmentState blend = {.colorWriteMask = 15};
    VkPipelineColorBlendStateCreateInfo blends = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_COLOR_BLEND_STATE_CREATE_INFO,
        .attachmentCount = 1,
        .pAttachments = &blend,
    };
    VkGraphicsPipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_GRAPHICS_PIPELINE_CREATE_INFO,
        .stageCount = 2,
        .pStages = stages,
        .pVertexInputState = &input,
        .pInputAssemblyState = &assembly,
        .pViewportState = &viewports,
        .pRasterizationState = &raster,
        .pMultisampleState = &samples,
        .pColorBlendState = &blends,
        .layout = layout,
        .renderPass = pass,
    };
    VkPipeline pipeline;
    gpu_check(vkCreateGraphicsPipelines(gpu->device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline),
              "vkCreateGraphicsPipelines");
    vkDestroyShaderModule(gpu->device, vertex, NULL);
    vkDestroyShaderModule(gpu->device, fragment, NULL);
    return pipeline;
}

/* A square of one colour over the left half, read back. */
void scene_render(test_gpu *gpu)
{
    static const float corners[8] = {-1, -1, 0, -1, 0, 1, -1, 1};
    static const uint16_t indices[6] = {0, 1, 2, 0, 2, 3};
    gpu_buffer vertices = gpu_make_buffer(gpu, sizeof corners, VK_BUFFER_USAGE_VERTEX_BUFFER_BIT);
    gpu_buffer index = gpu_make_buffer(gpu, 64, VK_BUFFER_USAGE_INDEX_BUFFER_BIT);
    gpu_buffer result = gpu_make_buffer(gpu, 16384, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
    memcpy(vertices.words, corners, sizeof corners);
    memcpy(index.words, indices, sizeof indices);
    gpu_image target =
        gpu_make_image(gpu, VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT);
    VkPipelineLayoutCreateInfo layout_info = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
    };
    VkPipelineLayout layout;
    gpu_check(vkCreatePipelineLayout(gpu->device, &layout_info, NULL, &layout), "layout");
    VkRenderPass pass = make_pass(gpu);
    VkPipeline pipeline = make_pipeline(gpu, layout, pass);
    VkFramebufferCreateInfo framebuffer_info = {
        .sType = VK_STRUCTURE_TYPE_FRAMEBUFFER_CREATE_INFO,
        .renderPass = pass,
        .attachmentCount = 1,
        .pAttachments = &target.view,
        .width = 64,
        .height = 64,
        .layers = 1,
    };
    VkFramebuffer framebuffer;
    gpu_check(vkCreateFramebuffer(gpu->device, &framebuffer_info, NULL, &framebuffer),
              "vkCreateFramebuffer");

    VkCommandBuffer commands = gpu_begin(gpu, gpu->pool);
    VkClearValue clear = {.color = {.float32 = {0, 0, 0, 1}}};
    VkRenderPassBeginInfo begin = {
        .sType = VK_STRUCTURE_TYPE_RENDER_PASS_BEGIN_INFO,
        .renderPass = pass,
        .framebuffer = framebuffer,
        .renderArea = {{0, 0}, {64, 64}},
        .clearValueCount = 1,
        .pClearValues = &clear,
    };
    VkDeviceSize offset = 0;
    vkCmdBeginRenderPass(commands, &begin, VK_SUBPASS_CONTENTS_INLINE);
    vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_GRAPHICS, pipeline);
    vkCmdBindVertexBuffers(commands, 0, 1, &vertices.buffer, &offset);
    vkCmdBindIndexBuffer(commands, index.buffer, 0, VK_INDEX_TYPE_UINT16);
    vkCmdDrawIndexed(commands, 6, 1, 0, 0, 0);
    vkCmdEndRenderPass(commands);
    VkImageLayout as_source = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL;
    VkBufferImageCopy region = {
        .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1},
        .imageExtent = {64, 64, 1},
    };
    gpu_image_barrier(commands, target.image, VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL, as_source);
    vkCmdCopyImageToBuffer(commands, target.image, as_source, result.buffer, 1, &region);
    gpu_memory_barrier(commands);
    gpu_finish(gpu, gpu->pool, commands);
    printf("render: %08x %08x\n", result.words[64 * 32 + 16], result.words[64 * 32 + 48]);

    vkDestroyFramebuffer(gpu->device, framebuffer, NULL);
    vkDestroyPipeline(gpu->device, pipeline, NULL);
    vkDestroyRenderPass(gpu->device, pass, NULL);
    vkDestroyPipelineLayout(gpu->device, layout, NULL);
    gpu_free_image(gpu, &target);
    gpu_free_buffer(gpu, &result);
    gpu_free_buffer(gpu, &index);
    gpu_free_buffer(gpu, &vertices);
}

/* ---- several at once ---- */

/* A second device on the same instance, at work while the first one is. */
void scene_devices(test_gpu *first)
{
    test_gpu second = *first;
    gpu_open_device(&second);
    triple_job one, other;
    make_tripler(first, &one);
    make_tripler(&second, &other);
    VkCommandBuffer commands = gpu_begin(first, first->pool);
    VkCommandBuffer others = gpu_begin(&second, second.pool);
    record_tripler(&one, commands);
    record_tripler(&other, others);
    gpu_memory_barrier(commands);
    gpu_memory_barrier(others);
    gpu_finish(&second, second.pool, others);
    gpu_finish(first, first->pool, commands);
    printf("devices: %u %u\n", sum(&one.target), sum(&other.target));
    free_tripler(&second, &other);
    free_tripler(first, &one);
    gpu_close_device(&second);
}

typedef struct filler {
    pthread_t thread;
    test_gpu *gpu;
    uint32_t number, result;
} filler;

enum {
    WORKERS = 4,
    ROUNDS = 50
};

static void *work(void *context)
{
    filler *worker = context;
    test_gpu *gpu = worker->gpu;
    VkCommandPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
    VkCommandPool pool;
    gpu_check(vkCreateCommandPool(gpu->device, &info, NULL, &pool), "vkCreateCommandPool");
    for (uint32_t i = 0; i < ROUNDS; i++) {
        gpu_buffer buffer = gpu_make_buffer(gpu, 4096, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
        VkCommandBuffer commands = gpu_begin(gpu, pool);
        vkCmdFillBuffer(commands, buffer.buffer, 0, VK_WHOLE_SIZE, worker->number + i);
        gpu_memory_barrier(commands);
        gpu_finish(gpu, pool, commands);
        worker->result += buffer.words[1023];
        gpu_free_buffer(gpu, &buffer);
    }
    vkDestroyCommandPool(gpu->device, pool, NULL);
    return NULL;
}

void scene_threads(test_gpu *gpu)
{
    filler workers[WORKERS];
    for (uint32_t i = 0; i < WORKERS; i++) {
        workers[i] = (filler){.gpu = gpu, .number = i * 1000};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
            gpu_check(VK_ERROR_OUT_OF_HOST_MEMORY, "pthread_create");
        }
    }
    printf("threads:");
    for (uint32_t i = 0; i < WORKERS; i++) {
        pthread_join(workers[i].thread, NULL);
        printf(" %u", workers[i].result);
    }
    printf("\n");
}

/* ---- what must not be ---- */

/* A copy out of a buffer that a copy before it has just written, without a barrier between them,
 * and a buffer that was not made to be copied from. */
void scene_mistake(test_gpu *gpu)
{
    gpu_buffer one = gpu_make_buffer(gpu, 1024, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
    gpu_buffer other = gpu_make_buffer(
        gpu, 1024, VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT);
    VkBufferCopy copy = {.size = 1024};
    VkCommandBuffer commands = gpu_begin(gpu, gpu->pool);
    vkCmdFillBuffer(commands, other.buffer, 0, VK_WHOLE_SIZE, 1);
    vkCmdCopyBuffer(commands, other.buffer, one.buffer, 1, &copy);
    gpu_memory_barrier(commands);
    vkCmdCopyBuffer(commands, one.buffer, other.buffer, 1, &copy);
    gpu_memory_barrier(commands);
    gpu_finish(gpu, gpu->pool, commands);
    printf("mistake: made\n");
    gpu_free_buffer(gpu, &one);
    gpu_free_buffer(gpu, &other);
}
