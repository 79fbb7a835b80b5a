{
  "targets": [
    {
      "target_name": "latent_cache",
      "type": "none",
      "actions": [
        {
          "action_name": "cmake",
          "inputs": ["CMakeLists.txt"],
          "outputs": ["<(PRODUCT_DIR)/latent_cache.node"],
          "action": ["node", "scripts/build-native.mjs", "--out", "<(PRODUCT_DIR)", "--config", "<(CONFIGURATION_NAME)"]
        }
      ]
    }
  ]
}
