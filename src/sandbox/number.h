/* Numbers as text that reads back as the same number, whatever the locale. */

#ifndef FREEHOLD_SANDBOX_NUMBER_H
#define FREEHOLD_SANDBOX_NUMBER_H

enum {
    FHI_NUMBER_TEXT = 32 /* bytes, with the zero */
};

/* The shortest of 15 to 17 digits. Finite numbers only. */
void fhi_number_text(double number, char out_text[FHI_NUMBER_TEXT]);

#endif
