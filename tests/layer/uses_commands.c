/* The life of command buffers: recorded, reset, executed by others, submitted twice and
 * together. */

#include "uses_rig.h"

#include <stdio.h>

static const VkBufferUsageFlags moved =
    VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;

static void fill(VkCommandBuffer commands, VkBuffer buffer)
{
    vkCmdFillBuffer(commands, buffer, 0, 64, 0);
}

static void record(VkCommandBuffer commands, VkBuffer buffer)
{
    fhi_rig_begin(commands, 0);
    fill(commands, buffer);
    RIG_CHECK(vkEndCommandBuffer(commands) == VK_SUCCESS);
}

/* What was recorded before is forgotten however a command buffer is reset: by itself, by being
 * begun again, with its pool, by being freed. */
static void test_resets(fhi_rig *rig)
{
    VkBuffer a = fhi_rig_buffer(rig, "a", moved);
    VkBuffer b = fhi_rig_buffer(rig, "b", moved);
    VkCommandPool before = rig->pool;
    VkCommandPoolCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                    .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT};
    RIG_CHECK(vkCreateCommandPool(rig->device, &info, NULL, &rig->pool) == VK_SUCCESS);
    VkCommandBuffer commands = fhi_rig_commands(rig, VK_COMMAND_BUFFER_LEVEL_PRIMARY);
    VkCommandBuffer other = fhi_rig_commands(rig, VK_COMMAND_BUFFER_LEVEL_PRIMARY);
    record(commands, a);
    record(other, a);
    fhi_rig_submit(rig, commands, "a");
    record(commands, b);
    fhi_rig_submit(rig, commands, "b");
    RIG_CHECK(vkResetCommandBuffer(commands, 0) == VK_SUCCESS);
    record(commands, a);
    fhi_rig_submit(rig, commands, "a");
    RIG_CHECK(vkResetCommandPool(rig->device, rig->pool, 0) == VK_SUCCESS);
    record(commands, b);
    fhi_rig_submit(rig, commands, "b");
    vkFreeCommandBuffers(rig->device, rig->pool, 1, &commands);
    commands = fhi_rig_commands(rig, VK_COMMAND_BUFFER_LEVEL_PRIMARY);
    fhi_rig_begin(commands, 0);
    RIG_CHECK(vkEndCommandBuffer(commands) == VK_SUCCESS);
    fhi_rig_submit(rig, commands, "");
    vkDestroyCommandPool(rig->device, rig->pool, NULL);
    rig->pool = before;
    commands = fhi_rig_start(rig);
    fhi_rig_finish(rig, commands, "");
}

static void test_submits(fhi_rig *rig)
{
    VkBuffer a = fhi_rig_buffer(rig, "a", moved);
    VkBuffer b = fhi_rig_buffer(rig, "b", moved);
    VkBuffer c = fhi_rig_buffer(rig, "c", moved);
    VkCommandBuffer commands[3];
    for (uint32_t i = 0; i < 3; i++) {
        commands[i] = fhi_rig_commands(rig, VK_COMMAND_BUFFER_LEVEL_PRIMARY);
        record(commands[i], i == 0 ? a : i == 1 ? b : c);
    }
    fhi_rig_submit(rig, commands[0], "a");
    fhi_rig_submit(rig, commands[0], "a");
    /* Two batches with three command buffers and no command buffer twice. */
    VkSubmitInfo batches[2] = {
        {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
         .commandBufferCount = 2,
         .pCommandBuffers = commands},
        {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
         .commandBufferCount = 1,
         .pCommandBuffers = commands + 2},
    };
    RIG_CHECK(vkQueueSubmit(rig->queue, 2, batches, VK_NULL_HANDLE) == VK_SUCCESS);
    RIG_CHECK(vkQueueWaitIdle(rig->queue) == VK_SUCCESS);
    fhi_rig_say_submit(rig, "a b c");
    VkCommandBufferSubmitInfo infos[2] = {
        {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO, .commandBuffer = commands[1]},
        {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO, .commandBuffer = commands[2]},
    };
    VkSubmitInfo2 batch = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
                           .commandBufferInfoCount = 2,
                           .pCommandBufferInfos = infos};
    RIG_CHECK(vkQueueSubmit2(rig->queue, 1, &batch, VK_NULL_HANDLE) == VK_SUCCESS);
    RIG_CHECK(vkQueueWaitIdle(rig->queue) == VK_SUCCESS);
    fhi_rig_say_submit(rig, "b c");
    vkFreeCommandBuffers(rig->device, rig->pool, 3, commands);
}

static void test_secondaries(fhi_rig *rig)
{
    VkBuffer a = fhi_rig_buffer(rig, "a", moved);
    VkBuffer b = fhi_rig_buffer(rig, "b", moved);
    VkBuffer c = fhi_rig_buffer(rig, "c", moved);
    VkCommandBuffer inner[2] = {
        fhi_rig_commands(rig, VK_COMMAND_BUFFER_LEVEL_SECONDARY),
        fhi_rig_commands(rig, VK_COMMAND_BUFFER_LEVEL_SECONDARY),
    };
    fhi_rig_begin(inner[0], VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT);
    fill(inner[0], a);
    RIG_CHECK(vkEndCommandBuffer(inner[0]) == VK_SUCCESS);
    record(inner[1], b);
    VkCommandBuffer commands = fhi_rig_start(rig);
    vkCmdExecuteCommands(commands, 2, inner);
    fill(commands, c);
    fhi_rig_finish(rig, commands, "a b c");
    commands = fhi_rig_start(rig);
    vkCmdExecuteCommands(commands, 1, inner);
    fhi_rig_finish(rig, commands, "a");
    vkFreeCommandBuffers(rig->device, rig->pool, 2, inner);
}

/* More resources than any table starts with, in one command buffer that is recorded again and
 * again: few of them and many, some named several times. */
static void test_many(fhi_rig *rig)
{
    enum {
        COUNT = 200,
        ROUNDS = 24
    };
    static char names[COUNT * 8];
    VkBuffer buffers[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        char name[8];
        snprintf(name, sizeof name, "n%u", i);
        buffers[i] = fhi_rig_buffer(rig, name, moved);
    }
    VkCommandBuffer commands = fhi_rig_commands(rig, VK_COMMAND_BUFFER_LEVEL_PRIMARY);
    uint32_t random = 1;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        bool used[COUNT] = {false};
        size_t length = 0;
        names[0] = '\0';
        fhi_rig_begin(commands, 0);
        for (uint32_t i = 0; i < (round % 3 == 0 ? 2 * COUNT : round); i++) {
            random = random * 1664525 + 1013904223; /* Source: Numerical Recipes, ranqd1 */
            uint32_t chosen = (random >> 16) % COUNT;
            fill(commands, buffers[chosen]);
            if (!used[chosen]) {
                length += (size_t)snprintf(names + length, sizeof names - length, "%sn%u",
                                           length == 0 ? "" : " ", chosen);
            }
            used[chosen] = true;
        }
        RIG_CHECK(vkEndCommandBuffer(commands) == VK_SUCCESS);
        fhi_rig_submit(rig, commands, names);
    }
    vkFreeCommandBuffers(rig->device, rig->pool, 1, &commands);
}

const fhi_rig_test fhi_rig_command_tests[] = {
    {"resets", test_resets, RIG_ALWAYS},
    {"submits", test_submits, RIG_ALWAYS},
    {"secondaries", test_secondaries, RIG_ALWAYS},
    {"many", test_many, RIG_ALWAYS},
    {NULL, NULL, RIG_ALWAYS},
};
