// Writes the page of diagnostics to the file that is named: diagnostics_page docs/guide/diagnostics.md

#include <fstream>
#include <iostream>

#include "docs/diagnostics_page.h"

int main(int count, char** arguments) {
  if (count != 2) {
    std::cerr << "usage: diagnostics_page FILE\n";
    return 2;
  }
  std::ofstream file(arguments[1], std::ios::binary);
  file << aurex::docs::diagnostics_page();
  file.close();
  if (!file) std::cerr << "cannot write " << arguments[1] << "\n";
  return file ? 0 : 1;
}
