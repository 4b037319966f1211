/* The nearest word, by the edit distance in which a swap of neighbours counts as one step, as
 * typing errors go. It runs on the way to an error only, and needs no memory: longer words than
 * WORD_MAX are not compared. */

#include "sandbox/contract.h"

#include <string.h>

enum {
    WORD_MAX = 31
};

static int least(int a, int b, int c)
{
    int lesser = a < b ? a : b;
    return lesser < c ? lesser : c;
}

/* Edit distance with swaps (optimal string alignment); both words fit WORD_MAX. */
static int distance(const char *a, int a_length, const char *b, int b_length)
{
    int rows[3][WORD_MAX + 1];
    int *before = rows[0], *above = rows[1], *row = rows[2];
    for (int j = 0; j <= b_length; j++) {
        above[j] = j;
        before[j] = 0;
    }
    for (int i = 1; i <= a_length; i++) {
        row[0] = i;
        for (int j = 1; j <= b_length; j++) {
            int other = a[i - 1] != b[j - 1];
            row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + other);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < row[j]) {
                row[j] = before[j - 2] + 1;
            }
        }
        int *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[b_length];
}

const char *fhi_nearest_word(const char *word, const char *const *list)
{
    const char *best = NULL;
    int best_distance = 0;
    size_t length = strlen(word);
    if (length == 0 || length > WORD_MAX) {
        return NULL;
    }
    for (; *list != NULL; list++) {
        size_t its_length = strlen(*list);
        if (its_length > WORD_MAX) {
            continue;
        }
        int d = distance(word, (int)length, *list, (int)its_length);
        /* More than a third of the word wrong is another word. */
        if (d <= 1 + (int)its_length / 3 && d < (int)its_length &&
            (best == NULL || d < best_distance)) {
            best = *list;
            best_distance = d;
        }
    }
    return best;
}
