"""The commands of `engine train`, one in each file."""
